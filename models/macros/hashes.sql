{#- Draws by lot that come out the same on every engine, since what a customer draws is a hash of her id. #}

{# A whole number from 0 to 2^32 - 1: the first eight hexadecimal digits of a hash. -#}
{%- macro first_bits(digest) -%}
(
    {%- for place in range(8) %}
    cast(strpos('0123456789abcdef', substr({{ digest | ident }}, {{ (place + 1) | literal }}, 1)) - 1 as bigint)
    * {{ (16 ** (7 - place)) | literal }}{% if not loop.last %} +{% endif %}
    {%- endfor %}
)
{%- endmacro %}
