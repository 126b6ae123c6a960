"use strict";
/* The page's own script: draws charts when they come into view, answers the budget slider, sorts, filters, copies,
   makes ready for paper.
   In: the JSON in the page. Text from data reaches the page through textContent and chart data only. */
(() => {
  const shared = JSON.parse(document.getElementById("shared").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  // -- numbers ------------------------------------------------------------------------------------------------------
  const known = (value) => typeof value === "number" && Number.isFinite(value);
  const count = (value) => (known(value) ? Math.round(value).toLocaleString("en-US") : "–");
  const coarse = (value) => value === 0 || value === 1 || (Math.abs(value) >= 0.0995 && Math.abs(value) < 0.995);
  const few = (value) => (!known(value) ? "–" : Math.abs(value) >= 9.95 || Number.isInteger(value) ? count(value) : value.toFixed(1));
  const share = (value) => (known(value) ? `${(100 * value).toFixed(coarse(value) ? 0 : 1)}%` : "–");
  const ratio = (value) => (known(value) ? value.toFixed(2) : "–");
  const money = (value) => (known(value) ? `${Math.round(value) < 0 ? "−" : ""}${Math.abs(Math.round(value)).toLocaleString("en-US")}` : "–");
  const between = (low, high, form) => (known(low) && known(high) ? `${form(low)} to ${form(high)}` : "");
  const clean = (text, longest = 60) => {
    const plain = String(text).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
    return plain.length > longest ? `${plain.slice(0, longest - 1)}…` : plain;
  };

  /* The value at x of the line through the points (xs, ys): exactly a point's value at the point. */
  const interpolate = (xs, ys, x) => {
    if (!xs || !xs.length) return NaN;
    if (x <= xs[0]) return ys[0] ?? NaN;
    for (let at = 1; at < xs.length; at += 1) {
      if (x <= xs[at]) {
        if (x === xs[at]) return ys[at] ?? NaN;
        if (!known(ys[at - 1]) || !known(ys[at])) return NaN;
        return ys[at - 1] + ((ys[at] - ys[at - 1]) * (x - xs[at - 1])) / (xs[at] - xs[at - 1]);
      }
    }
    return ys[ys.length - 1] ?? NaN;
  };

  // -- departments --------------------------------------------------------------------------------------------------
  const parts = all("[data-part]");
  const payloads = new Map();
  const payload = (element) => {
    const part = element.closest("[data-part]");
    if (!part) return null;
    if (!payloads.has(part)) payloads.set(part, JSON.parse(one("script[data-json]", part).textContent));
    return payloads.get(part);
  };
  const chosen = new WeakMap(); // part: {contacts, measure}
  const choice = (part) => {
    if (!chosen.has(part)) chosen.set(part, { contacts: 0, measure: "lift" });
    return chosen.get(part);
  };

  // -- what each chart is drawn from --------------------------------------------------------------------------------
  /* The colour of an id is its place among the ids; what is not among them is grey. */
  const placesOf = (ids) => (id) => (ids.includes(id) ? Math.min(ids.indexOf(id), 7) : 7);
  const points = (columns, more) => columns.x.map((x, at) => ({ x, y: columns.y[at], ...more(at) }));
  const noPart = {};
  const ANGLES = 48; // points of an ellipse
  const rows = {
    curve(data, part) {
      const { measure } = choice(part);
      const form = { lift: ratio, recall: share, profit: money }[measure];
      const found = [];
      const add = (ranking, columns) => columns.contacts.forEach((contacts, at) => {
        const value = columns[measure][at];
        if (!known(value)) return;
        const low = (columns[`${measure}_low`] || [])[at];
        const high = (columns[`${measure}_high`] || [])[at];
        const banded = ranking !== "random" && known(low) && known(high);
        found.push({
          ranking, contacts, value, label: shared.rankings[ranking], shown: form(value), between: between(low, high, form) || "–",
          ...(banded ? { low, high } : { low: value, high: value }),
        });
      });
      if (measure === "profit") add("rules", data.profit);
      else Object.entries(data.curves).forEach(([ranking, columns]) => add(ranking, columns));
      return { rows: found };
    },
    reliability(data) {
      const most = Math.max(...data.reliability.flatMap((bin) => [bin.predicted, bin.observed_high ?? bin.observed]));
      return { rows: data.reliability, diagonal: [{ at: 0 }, { at: most }] };
    },
    swarm({ drivers }) {
      const { push, offset, grade, customers } = drivers.swarm;
      const level = (place) => (place < 3 ? "low" : place > 5 ? "high" : "middling");
      const names = drivers.features.map((feature) => clean(feature.feature, 44));
      return {
        rows: push.map((value, at) => {
          const feature = Math.floor(at / customers);
          return { push: value, y: feature + offset[at], grade: grade[at], name: names[feature], level: level(grade[at]) };
        }),
        labels: names.map((name, at) => ({ name, y: at - 0.42 })),
      };
    },
    force({ drivers }) {
      const { push, customers } = drivers.force;
      return {
        rows: push.map((value, at) => {
          const feature = Math.floor(at / customers);
          const rest = feature >= drivers.force_features;
          const name = rest ? "everything else" : clean(drivers.features[feature].feature);
          return { customer: at % customers, push: value, colour: rest ? 7 : feature, name };
        }),
      };
    },
    groups({ map, personas }) {
      const names = new Map(personas.map((persona) => [persona.segment_id, persona.name]));
      const places = placesOf(personas.map((persona) => persona.segment_id));
      return {
        rows: points(map, (at) => ({
          group: places(map.group[at]), name: clean(`${map.group[at]}: ${names.get(map.group[at]) ?? "too small to tell"}`, 120), truth: map.buyer[at] ? "yes" : "no", buyer: map.buyer[at],
        })).sort((a, b) => a.buyer - b.buyer),
      };
    },
    truth: (data) => rows.groups(data),
    mixture({ mixture }) {
      const places = placesOf(mixture.components.map((each) => each.component));
      return {
        rows: points(mixture.points, (at) => ({ component: places(mixture.points.component[at]) })),
        outlines: mixture.components.flatMap((each) => Array.from({ length: ANGLES + 1 }, (_, order) => {
          const [cos, sin] = [Math.cos, Math.sin].map((turn) => turn((2 * Math.PI * order) / ANGLES));
          const [xx, xy, yx, yy] = each.matrix;
          return { x: each.x + xx * cos + xy * sin, y: each.y + yx * cos + yy * sin, order, component: places(each.component) };
        })),
        centres: mixture.components.map((each) => ({ x: each.x, y: each.y, weight: each.weight, component: places(each.component), name: String(each.component) })),
      };
    },
    scores: (data) => ({
      rows: data.scores.flatMap((row) => ["silhouette", "stability"].map((kind) => ({ ...row, kind, score: row[kind] }))).filter((row) => known(row.score)),
    }),
    customers() {
      const { names, points: columns } = shared.customers;
      return { rows: points(columns, (at) => ({ department: columns.department[at], name: clean(names[columns.department[at]] ?? "another department") })) };
    },
    correlations() {
      const { features, pairs } = shared.correlations;
      const names = features.map((feature) => clean(feature, 28));
      return {
        rows: pairs.row.map((row, at) => {
          const column = pairs.column[at];
          const value = pairs.correlation[at];
          return { x: column, x2: column + 1, y: row - 0.5, y2: row + 0.5, first: names[row], second: names[column], correlation: value, grade: Math.max(0, Math.min(8, Math.round(4 + 4 * value))) };
        }),
        // the last one has no name: it keeps room for the names before it
        labels: [...names.map((name, at) => ({ name, x: at, y: at })), { name: "", x: names.length + 10, y: names.length - 1 }],
      };
    },
  };
  const adjusted = {
    swarm: (spec, data) => ({ ...spec, height: 52 * data.drivers.features.length }),
    correlations: (spec) => ({ ...spec, height: 17 * shared.correlations.features.length }),
    customers: (spec) => ({ ...spec, params: [{ name: "highlight", value: Number(one('#highlight [aria-pressed="true"]')?.dataset.place ?? -1) }] }),
    curve: (spec, data, part) => {
      // The first customers of a ranking are few: their lift is so uncertain that it would flatten the rest.
      const most = data.curves.rules.contacts[data.curves.rules.contacts.length - 1];
      const shown = spec.datasets.rows.filter((row) => row.contacts >= 0.02 * most);
      const top = Math.max(...shown.map((row) => row.value + 0.5 * (row.high - row.value)));
      const low = Math.min(...shown.map((row) => row.low));
      const format = { lift: "~f", recall: ".0%", profit: "~s" }[choice(part).measure];
      const axis = (y) => ({ ...y, axis: { ...y.axis, format }, scale: { domain: [low, top], nice: true } });
      const layer = spec.layer.map((each) => (each.encoding.y
        ? { ...each, encoding: { ...each.encoding, y: axis(each.encoding.y) } } : each));
      return { ...spec, layer, params: [{ name: "at", value: choice(part).contacts }] };
    },
  };

  // -- drawing ------------------------------------------------------------------------------------------------------
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const showTip = (handler, event, item, value) => {
    tip.hidden = value === null || value === undefined || value === "";
    if (tip.hidden) return;
    tip.replaceChildren(...Object.entries(value).map(([name, text]) => {
      const line = document.createElement("div");
      line.append(...[name, text].map((each) => Object.assign(document.createElement("span"), { textContent: clean(each, 140) })));
      return line;
    }));
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, window.innerWidth - width - 8))}px`;
    tip.style.top = `${event.clientY + 18 + height > window.innerHeight ? event.clientY - height - 10 : event.clientY + 18}px`;
  };

  const views = new WeakMap(); // element: promise of its view
  /* What a chart's drawing is made from, as things stand: the specification with its data, and the options. */
  const drawing = (element) => {
    const name = element.dataset.chart;
    const part = element.closest("[data-part]");
    const data = part ? payload(element) : noPart;
    const spec = { ...shared.specs[name], datasets: rows[name](data, part) };
    const full = adjusted[name] ? adjusted[name](spec, data, part) : spec;
    const options = { actions: false, ast: true, config: shared.config, mode: "vega-lite", renderer: "svg", tooltip: showTip };
    return [full, options];
  };
  const draw = (element) => {
    const drawn = vegaEmbed(element, ...drawing(element)).then((result) => {
      element.dataset.drawn = "yes";
      return result;
    });
    drawn.catch((error) => { console.error(element.dataset.chart, error); });
    views.set(element, drawn);
    return drawn;
  };
  const redraw = async (element) => {
    if (!views.has(element)) return;
    (await views.get(element)).finalize();
    await draw(element);
  };
  const inView = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
      inView.unobserve(entry.target);
      if (!views.has(entry.target)) draw(entry.target);
    });
  }, { rootMargin: "400px" });

  // -- the budget ---------------------------------------------------------------------------------------------------
  const STEPS = 1000;
  const prepareBudget = (box) => {
    const part = box.closest("[data-part]");
    const data = payload(box);
    const { rules } = data.curves;
    // Whom the view holds can be contacted; the curve goes on to everybody who does not buy yet.
    const most = data.contactable ?? rules.contacts[rules.contacts.length - 1];
    const everyone = data.candidates;
    const number = one('input[type="number"]', box);
    const slider = one('input[type="range"]', box);
    const out = Object.fromEntries(all("[data-out]", box).map((element) => [element.dataset.out, element]));
    const code = one("[data-sql]", part);
    const pattern = code.textContent;
    number.max = most;
    // The slider is finer where budgets usually lie: its place goes with the square root of the contacts.
    const contactsAt = (place) => Math.max(1, Math.round(most * (place / STEPS) ** 2));
    const placeOf = (contacts) => Math.round(STEPS * Math.sqrt(contacts / most));
    const withZero = (values) => [0, ...values];
    const say = (name, text) => { if (out[name]) out[name].textContent = text; };

    const at = (contacts, column) => interpolate(rules.contacts, rules[column], contacts);
    const buyersAt = (contacts, end = "") => interpolate(withZero(rules.contacts), withZero(rules[`expected_buyers${end}`]), contacts);
    const show = (contacts) => {
      const buyers = buyersAt(contacts);
      const last = rules.contacts.length - 1;
      const allBuyers = (rules.expected_buyers[last] / rules.contacts[last]) * everyone; // the control group buys alike
      say("share", share(contacts / everyone));
      say("buyers", few(buyers));
      say("buyers-between", between(buyersAt(contacts, "_low"), buyersAt(contacts, "_high"), few));
      say("precision", share(at(contacts, "precision")));
      say("precision-between", between(at(contacts, "precision_low"), at(contacts, "precision_high"), share));
      say("lift", ratio(at(contacts, "lift")));
      say("lift-between", between(at(contacts, "lift_low"), at(contacts, "lift_high"), ratio));
      if (known(shared.profit.cost_per_contact)) say("cost", money(contacts * shared.profit.cost_per_contact));
      if (data.profit.contacts) {
        const gain = (end) => interpolate(data.profit.contacts, data.profit[`profit${end}`], contacts);
        say("profit", money(gain("")));
        say("profit-between", between(gain("_low"), gain("_high"), money));
      }
      // whole numbers that add up to everyone
      const [found, later] = [Math.round(buyers), Math.round(allBuyers)];
      say("tp", count(found));
      say("fp", count(contacts - found));
      say("fn", count(later - found));
      say("tn", count(everyone - contacts - (later - found)));
      say("said", `Contacting ${count(contacts)}: about ${few(buyers)} will buy.`);
      say("note", contacts === most && known(data.contactable) ? "The view holds no more whom a campaign may contact: the others satisfy no rule, or are the control group." : "");
      code.textContent = pattern.replace(/\d+\s*$/, String(contacts));
    };
    const choose = async (wanted, from) => {
      const contacts = Math.max(1, Math.min(most, Math.round(wanted) || 1));
      choice(part).contacts = contacts;
      if (from !== number) number.value = contacts;
      if (from !== slider) slider.value = placeOf(contacts);
      slider.setAttribute("aria-valuetext", `${count(contacts)} contacts`);
      all(".chips button", box).forEach((chip) => chip.setAttribute("aria-pressed", String(Number(chip.dataset.contacts) === contacts)));
      show(contacts);
      const chart = one('[data-chart="curve"]', box);
      if (views.has(chart)) {
        const { view } = await views.get(chart);
        view.signal("at", contacts).run();
      }
    };
    slider.addEventListener("input", () => choose(contactsAt(Number(slider.value)), slider));
    number.addEventListener("input", () => { if (number.value) choose(Number(number.value), number); });
    number.addEventListener("change", () => choose(Number(number.value), null));

    const chips = [["your budget", data.contacts]];
    [0.05, 0.1, 0.2, 0.5].forEach((part_) => {
      const place = rules.share.findIndex((each) => Math.abs(each - part_) < 1e-9);
      if (place >= 0 && rules.contacts[place] <= most) chips.push([`${Math.round(100 * part_)}%`, rules.contacts[place]]);
    });
    if (known(data.best_contacts) && data.best_contacts > 0) chips.push(["most profit", data.best_contacts]);
    one(".chips", box).append(...chips.filter(([, contacts]) => known(contacts)).map(([label, contacts]) => {
      const chip = Object.assign(document.createElement("button"), { type: "button", textContent: label });
      chip.dataset.contacts = Math.min(contacts, most);
      chip.addEventListener("click", () => choose(contacts, chip));
      return chip;
    }));
    all('fieldset input[type="radio"]', box).forEach((radio) => radio.addEventListener("change", () => {
      choice(part).measure = radio.value;
      redraw(one('[data-chart="curve"]', box));
    }));
    choose(data.contacts ?? data.judged_contacts ?? Math.round(most / 10), null);
    one("[data-numbers]", box).addEventListener("toggle", (event) => tabulate(event.target, data.curves), { once: true });
  };

  const tabulate = (details, curves) => {
    const table = document.createElement("table");
    table.className = "small";
    const line = (cells, tag) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text) => Object.assign(document.createElement(tag), { textContent: text, className: "num" })));
      return row;
    };
    const names = Object.keys(curves).filter((ranking) => ranking !== "random");
    const head = document.createElement("thead");
    head.append(line(["contacts", "share", ...names.flatMap((ranking) => [`lift of ${shared.rankings[ranking]}`, "95% interval"])], "th"));
    const body = document.createElement("tbody");
    curves.rules.contacts.forEach((contacts, at) => {
      body.append(line([count(contacts), share(curves.rules.share[at]), ...names.flatMap((ranking) => {
        const columns = curves[ranking];
        return [ratio(columns.lift[at]), between(columns.lift_low[at], columns.lift_high[at], ratio)];
      })], "td"));
    });
    table.append(head, body);
    one(".scroll", details).replaceChildren(table);
  };

  // -- one department at a time -------------------------------------------------------------------------------------
  const select = document.getElementById("choose");
  let current = null;
  /* Where there are very many departments, each is packed (zlib, base64) and unpacked when it is opened first. */
  const unpack = async (part) => {
    const packed = one("script[data-packed]", part);
    if (!packed) return;
    const bytes = Uint8Array.from(atob(packed.textContent.trim()), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const text = await new Response(stream).text();
    packed.remove();
    part.innerHTML = text; // rendered and escaped by the same template as everything else on this page
    all("table[data-sortable]", part).forEach(sortable);
  };
  const prepare = (part) => {
    const box = one("[data-budget]", part);
    if (!box || box.dataset.ready) return;
    box.dataset.ready = "yes";
    prepareBudget(box);
  };
  const open = async (part) => {
    if (!part || part === current) return;
    current = part;
    parts.forEach((each) => { each.hidden = each !== part; });
    if (select) select.value = part.id;
    await unpack(part);
    prepare(part);
    all(".chart", part).forEach((element) => { if (!views.has(element)) inView.observe(element); });
  };
  const go = async (part) => {
    await open(part);
    history.replaceState(null, "", `#${part.id}`);
    part.scrollIntoView({ block: "start" });
  };
  const follow = async () => {
    const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (wanted && parts.includes(wanted)) {
      await open(wanted);
      wanted.scrollIntoView();
    }
  };
  if (select) {
    select.addEventListener("change", () => go(document.getElementById(select.value)));
    const step = (by) => go(parts[(parts.indexOf(current) + by + parts.length) % parts.length]);
    document.getElementById("previous").addEventListener("click", () => step(-1));
    document.getElementById("next").addEventListener("click", () => step(1));
  }
  window.addEventListener("hashchange", follow);

  // -- tables -------------------------------------------------------------------------------------------------------
  const sortable = (table) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const key = (row, place) => {
      const cell = row.cells[place];
      const text = cell.dataset.sort ?? cell.textContent.trim();
      const number = Number(text.replace(/[,%+]/g, "").replace("−", "-"));
      return text === "" || text === "–" ? null : Number.isNaN(number) ? text.toLocaleLowerCase() : number;
    };
    const compare = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
    heads.forEach((head, place) => {
      if (!head.textContent.trim() || one("svg", head)) return;
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const numbers = head.classList.contains("num");
        const down = head.getAttribute("aria-sort") === "none" ? numbers : head.getAttribute("aria-sort") === "ascending";
        heads.forEach((each) => { if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sorted = [...body.rows].map((row) => [key(row, place), row]).sort(([a], [b]) => {
          if (a === null || b === null) return (a === null) - (b === null); // what is not known comes last either way
          return down ? compare(b, a) : compare(a, b);
        });
        body.append(...sorted.map(([, row]) => row));
      });
    });
  };
  all("table[data-sortable]").forEach(sortable);

  const find = document.getElementById("find");
  const which = document.getElementById("which");
  const filter = () => {
    const words = find.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const lines = [...document.getElementById("departments").tBodies[0].rows];
    lines.forEach((row) => {
      const text = row.cells[0].textContent.toLocaleLowerCase();
      row.hidden = !words.every((word) => text.includes(word)) || (which.value !== "" && row.dataset.verdict !== which.value);
    });
    const shown = lines.filter((row) => !row.hidden).length;
    document.getElementById("found").textContent = shown === lines.length ? "" : `${shown} of ${lines.length} departments`;
  };
  find.addEventListener("input", filter);
  which.addEventListener("change", filter);

  // -- copying ------------------------------------------------------------------------------------------------------
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await copy(one("code", button.closest(".budget-sql, details")).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy SQL"; }, 1500);
  });

  // -- the customers map --------------------------------------------------------------------------------------------
  const legend = document.getElementById("highlight");
  if (legend) {
    legend.addEventListener("click", async (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const on = button.getAttribute("aria-pressed") !== "true";
      all("button", legend).forEach((each) => each.setAttribute("aria-pressed", String(each === button && on)));
      const { view } = await (views.get(one('[data-chart="customers"]')) ?? draw(one('[data-chart="customers"]')));
      view.signal("highlight", on ? Number(button.dataset.place) : -1).run();
    });
  }

  // -- light and dark -----------------------------------------------------------------------------------------------
  const theme = document.getElementById("theme");
  const THEMES = [["", "Colours: as the system"], ["light", "Colours: light"], ["dark", "Colours: dark"]];
  theme.addEventListener("click", () => {
    const at = THEMES.findIndex(([name]) => name === (document.documentElement.dataset.theme ?? ""));
    const [name, label] = THEMES[(at + 1) % THEMES.length];
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    theme.textContent = label;
  });

  // -- printing -----------------------------------------------------------------------------------------------------
  /* Paper gets drawings of its own, as wide as its columns, and says in words what the controls are set to; what is
     folded away stays away. The browser's own command prints every department, the buttons what they say. A browser
     lays out the pages as soon as the listener's promises are done, as long as they wait for nothing but each other:
     so only the buttons, which have time, unpack departments. */
  const PAPER = { // width in pixels, and the height as a share of that on the screen
    curve: [480, 0.55], reliability: [330, 0.6], swarm: [330, 0.47], force: [330, 0.75], groups: [330, 0.5], truth: [330, 0.5],
    mixture: [330, 0.5], scores: [330, 0.6], customers: [690, 0.6], correlations: [690, 0.75],
  };
  const root = document.documentElement;
  const config = { ...shared.config, axis: { ...shared.config.axis, labelFontSize: 10, titleFontSize: 10 }, text: { ...shared.config.text, fontSize: 10 } };
  const isPacked = (part) => one("script[data-packed]", part) !== null;
  const state = (place, tag, text) => place.after(Object.assign(document.createElement(tag), { className: "stated", textContent: text }));
  const stateBudget = (box) => {
    const number = one('input[type="number"]', box);
    const measure = one('fieldset input[type="radio"]:checked', box);
    state(number, "strong", count(Number(number.value)));
    state(measure.closest("fieldset"), "p", `Drawn: ${measure.closest("label").textContent.trim()}.`);
  };
  const stateOverview = () => {
    const name = find.value.trim() && `with “${clean(find.value.trim())}” in their names`;
    const verdict = which.value && `with the verdict “${clean(which.value)}”`;
    const packed = parts.filter(isPacked).length;
    if (name || verdict) {
      state(find.closest(".tools"), "p", `Only departments ${[name, verdict].filter(Boolean).join(" and ")}: ${document.getElementById("found").textContent || "all"}.`);
    }
    if (packed) {
      state(find.closest(".tools"), "p", `${count(packed)} of ${count(parts.length)} departments are packed and not printed; the button “whole report” at the top of the page prints them too.`);
    }
    const forward = one('#highlight [aria-pressed="true"]');
    if (forward) state(legend, "p", `Brought forward: ${clean(forward.textContent)}.`);
  };
  /* A PDF takes half a kilobyte for each mark that is transparent as a whole; for a transparent colour it takes nothing. */
  const lighten = (mark) => {
    const opacity = mark.getAttribute("opacity");
    ["fill-opacity", "stroke-opacity"].forEach((name) => mark.setAttribute(name, opacity));
    mark.removeAttribute("opacity");
    if (Number(opacity) === 0) mark.remove(); // waits for a pointer
  };
  const drawOnPaper = async (chart) => {
    const [width, scale] = PAPER[chart.dataset.chart];
    const paper = chart.cloneNode(false);
    paper.className = "chart on-paper";
    delete paper.dataset.drawn;
    try {
      const [spec, options] = drawing(chart);
      (await vegaEmbed(paper, { ...spec, width, height: Math.round(scale * spec.height) }, { ...options, config })).finalize();
      all("[opacity]", paper).forEach(lighten);
      paper.dataset.drawn = "yes";
      chart.after(paper);
    } catch (error) {
      console.error(chart.dataset.chart, error); // the rest is printed all the same
    }
  };
  const onPage = (place) => all(".chart:not(.on-paper)", place);
  const layOut = async (part) => {
    prepare(part);
    all("[data-budget]", part).forEach(stateBudget);
    await Promise.all(onPage(part).map(drawOnPaper));
  };
  let isLaidOut = false;
  const clearPaper = () => {
    all(".stated, .on-paper").forEach((element) => element.remove());
    delete root.dataset.paper;
    isLaidOut = false;
  };
  const layOutAll = async (first) => {
    isLaidOut = true;
    const isWhole = root.dataset.paper !== "department";
    for (const part of isWhole ? parts : [current]) {
      if (first) await first(part);
      if (part && !isPacked(part)) await layOut(part);
    }
    if (!isWhole) return;
    stateOverview();
    await Promise.all(onPage(document).filter((chart) => !chart.closest("[data-part]")).map(drawOnPaper));
  };
  window.addEventListener("beforeprint", () => { if (!isLaidOut) layOutAll(null); });
  window.addEventListener("afterprint", clearPaper);
  const printers = all("[data-print]");
  printers.forEach((button) => button.addEventListener("click", async () => {
    const label = button.textContent;
    printers.forEach((each) => { each.disabled = true; });
    clearPaper();
    root.dataset.paper = button.dataset.print;
    await layOutAll(async (part) => {
      button.textContent = `drawing ${count(parts.indexOf(part) + 1)} of ${count(parts.length)}`;
      await unpack(part);
      await new Promise((done) => { setTimeout(done); }); // shows how far it is
    });
    printers.forEach((each) => { each.disabled = false; });
    button.textContent = label;
    window.print();
  }));

  open(parts[0]).then(follow);
  all(".chart").filter((element) => !element.closest("[data-part]")).forEach((element) => inView.observe(element));
})();
