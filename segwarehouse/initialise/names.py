"""Columns by name: which of them may play which part.

In: column names and types. Out: candidates for each key of `[source]`, best first. What the values say is left to
`values.py`.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from segwarehouse.config import words_of

NUMERIC = ("int", "float", "double", "decimal", "numeric", "real")
TEMPORAL = ("timestamp", "date", "time")
TEXTUAL = ("varchar",)
KEYLIKE = ("varchar", "int", "uuid")

_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Best first, as words joined by _.
        "customer_id": (
            "customer_id", "household_id", "cust_id", "client_id", "member_id", "user_id", "shopper_id",
            "customer_key", "customer_code", "customer_number", "customer_no", "household_key", "kundennummer",
            "kunden_id", "kunde_id", "kunden_nr", "kd_nr", "id_client", "id_cliente", "codigo_cliente", "code_client",
            "numero_client", "customer", "household", "kunde", "client", "member", "user", "shopper", "cust",
            "buyer_id", "buyer", "account_id", "loyalty_id", "card_id", "cliente_id", "cliente", "karten_nr",
            "klantnummer", "klant", "klient", "kundnummer", "kund", "клиент", "покупател", "会员", "會員", "会員",
            "客户", "客戶", "顾客", "顧客", "お客様", "用户", "用戶", "고객", "회원",
        ),
        "department": (
            "department", "product_category", "category", "dept", "department_name", "category_name",
            "department_id", "category_id", "product_group", "commodity", "warengruppe", "abteilung", "kategorie",
            "produktgruppe", "sortiment", "sparte", "categoria", "categorie", "departamento", "famille", "familia",
            "gamme", "rayon", "rubro", "aisle", "product_type", "section", "product_line", "range", "item_category",
            "afdeling", "reparto", "dzial", "kategoria", "avdelning", "отдел", "категор", "大类", "大類", "大分類",
            "部门", "部門", "品类", "品類", "类别", "類別", "分类", "分類", "カテゴリ", "부문", "카테고리", "분류",
        ),
        "occurred_at": (
            "occurred_at", "transaction_timestamp", "timestamp", "transaction_date", "transaction_datetime",
            "invoice_date", "order_date", "purchase_date", "purchased_at", "created_at", "ordered_at", "sale_date",
            "trans_date", "datetime", "date", "date_time", "event_time", "time", "ts", "datum", "belegdatum",
            "kaufdatum", "rechnungsdatum", "bestelldatum", "buchungsdatum", "verkaufsdatum", "zeitpunkt", "zeit",
            "fecha", "date_achat", "day", "when", "data", "дата", "日期", "时间", "時間", "日時", "日付", "날짜",
            "일자",
        ),
        "transaction_id": (
            "transaction_id", "basket_id", "order_id", "invoice_id", "receipt_id", "invoice_no", "invoice_number",
            "order_number", "order_no", "transaction_no", "basket_key", "basket", "order", "invoice", "receipt",
            "transaction", "ticket_id", "ticket", "bon_nr", "bon", "bonnummer", "beleg_nr", "belegnummer",
            "rechnungsnummer", "rechnung", "bestellnummer", "bestellung", "auftrag", "factura", "facture", "commande",
            "pedido", "scontrino", "cupom", "paragon", "kvitto", "чек", "заказ", "订单", "訂單", "小票", "单号", "單號",
            "注文", "伝票", "レシート", "주문", "영수증",
        ),
        "quantity": (
            "quantity", "qty", "units", "unit_count", "items", "pieces", "menge", "anzahl", "stuck", "stuckzahl",
            "cantidad", "unidades", "quantite", "quantidade", "quantita", "aantal", "antal", "ilosc", "количеств",
            "数量", "數量", "個数", "수량",
        ),
        "amount": (
            "amount", "sales_value", "sales_amount", "total_amount", "sales", "net_amount", "line_total",
            "total_price", "revenue", "spend", "turnover", "umsatz", "betrag", "nettobetrag", "summe", "gesamtpreis",
            "importe", "monto", "ventas", "montant", "value", "total", "importo", "bedrag", "kwota", "belopp", "valor",
            "сумм", "金额", "金額", "销售额", "銷售額", "売上", "금액", "매출",
        ),
        "unit_price": (
            "unit_price", "price", "item_price", "price_each", "preis", "stuckpreis", "einzelpreis", "precio", "prix",
            "prix_unitaire", "precio_unitario", "prezzo", "preco", "prijs", "cena", "pris", "цен", "单价", "單價",
            "単価", "价格", "價格", "価格", "단가", "가격",
        ),
        "category": (
            "subcategory", "sub_category", "product_category", "category", "category_name", "category_id", "commodity",
            "product_group", "product_type", "aisle", "untergruppe", "warengruppe", "kategorie", "subcategoria",
            "categoria", "sub_commodity", "подкатегор", "小类", "小類", "小分類", "中类", "中類", "中分類",
        ),
    }
)  # fmt: skip

_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # A number or a time may stand in a column of text; its values tell.
        "occurred_at": (*TEMPORAL, *TEXTUAL),
        "quantity": (*NUMERIC, *TEXTUAL),
        "amount": (*NUMERIC, *TEXTUAL),
        "unit_price": (*NUMERIC, *TEXTUAL),
    }
)

KEYS = tuple(_NAMES)


def candidates(key: str, columns: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Return the columns whose name fits a key of `[source]`, best first, each with whether it is exactly such a name.

    Parameters
    ----------
    columns
        Column names with the engine's type names, in any case.

    Examples
    --------
    >>> candidates("customer_id", {"Kunden-Nr": "VARCHAR", "customer group": "VARCHAR", "day": "DATE"})
    [('Kunden-Nr', True), ('customer group', False)]
    """
    ranked = [(grade, column) for column in columns if (grade := _grade(key, column, columns[column])) is not None]
    return [(column, grade[0] == 0) for grade, column in sorted(ranked, key=lambda item: item[0])]


def _grade(key: str, column: str, type_name: str) -> tuple[int, int, int] | None:
    """Return how well a column fits a key, lower is better; None if it does not."""
    words = _words(column)
    whole = "".join(words)
    names = _folded(key)
    exact = [position for position, name in enumerate(names) if "".join(name) == whole]
    if exact and (key == "occurred_at" or _fits(key, type_name)):
        return (0, exact[0], len(words))
    if not _fits(key, type_name):
        return None
    for position, name in enumerate(names):
        # Chinese, Japanese and Korean put no spaces between words, and Russian nouns have endings.
        if _contains(words, name) or (not name[0].isascii() and name[0] in whole):
            return (1, position, len(words))
    return None


def _fits(key: str, type_name: str) -> bool:
    folded = type_name.casefold()
    if key in _TYPES:
        return any(kind in folded for kind in _TYPES[key])
    return not any(kind in folded for kind in TEMPORAL)


def _contains(words: Sequence[str], wanted: Sequence[str]) -> bool:
    return any(list(words[start : start + len(wanted)]) == list(wanted) for start in range(len(words)))


@cache
def _folded(key: str) -> tuple[tuple[str, ...], ...]:
    """Return the names of a key as the words of a column are compared with."""
    return tuple(tuple(_words(name)) for name in _NAMES[key])


def _words(column: str) -> list[str]:
    """Return the words of a column name, folded and without accents: ``CustomerID``, ``customer-id``: customer, id."""
    decomposed = unicodedata.normalize("NFKD", column)
    return words_of("".join(sign for sign in decomposed if not unicodedata.combining(sign)))
