// Draws figures, sorts tables, shows the reader's own time, and renews a page whose training goes on.
(() => {
  const style = () => getComputedStyle(document.documentElement);
  const coloured = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? style().getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
    }
    return value;
  };
  const axis = (own) => ({ gridcolor: "--line", linecolor: "--line", zerolinecolor: "--line", automargin: true, ...own });
  const drawn = (figure, width) => {
    const { data, layout } = figure;
    const axes = Object.fromEntries(Object.entries(layout).filter(([key]) => /^[xy]axis\d*$/.test(key)));
    const narrow = width < 520;
    return coloured({
      data,
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: style().fontFamily, size: 12, color: "--ink" },
        legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 11 } },
        hoverlabel: { bgcolor: "--paper", bordercolor: "--line", font: { color: "--ink" } },
        hovermode: "closest",
        ...layout,
        margin: { l: narrow ? 36 : 56, r: 12, t: 12, b: 44, ...layout.margin },
        xaxis: axis(axes.xaxis),
        yaxis: axis(axes.yaxis),
      },
    });
  };
  const draw = (place) => {
    if (typeof Plotly === "undefined") return;
    const figure = JSON.parse(place.querySelector("script").textContent);
    const target = place.querySelector(".plot");
    const { data, layout } = drawn(figure, target.clientWidth);
    const config = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false };
    Plotly.react(target, data, layout, config);
  };
  const drawAll = () => document.querySelectorAll("[data-figure]").forEach(draw);

  const sortable = (table) => {
    table.querySelectorAll("th > button").forEach((button) => {
      button.addEventListener("click", () => {
        const head = button.parentElement;
        const place = [...head.parentElement.children].indexOf(head);
        const rising = head.getAttribute("aria-sort") !== "ascending";
        head.parentElement.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", rising ? "ascending" : "descending");
        const body = table.tBodies[0];
        const value = (row) => row.children[place]?.dataset.value ?? row.children[place]?.textContent.trim() ?? "";
        const order = (one, other) => {
          const [a, b] = [value(one), value(other)];
          if (a === "" || b === "") return (a === "") - (b === "");
          const difference = Number.isNaN(Number(a)) || Number.isNaN(Number(b)) ? a.localeCompare(b) : Number(a) - Number(b);
          return rising ? difference : -difference;
        };
        [...body.rows].filter((row) => !row.dataset.last).sort(order).forEach((row) => body.append(row));
        [...body.rows].filter((row) => row.dataset.last).forEach((row) => body.append(row));
      });
    });
  };
  const told = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const ownTime = (place) => {
    const moment = new Date(place.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    place.title = `${told.format(moment)} by your clock`;
    const beside = place.parentElement.querySelector("[data-yours]");
    if (beside) beside.textContent = `${told.format(moment)} by your clock`;
  };
  const submitOnChange = (select) => select.addEventListener("change", () => select.form.requestSubmit());

  // A link out of Airflow's frame is followed by the page around it.
  const leaving = (link) =>
    link.addEventListener("click", (event) => {
      if (window.parent === window) return;
      event.preventDefault();
      const outer = window.parent.document.createElement("a");
      outer.href = link.href;
      outer.click();
    });

  // What Airflow's address says inside a tab is the tab; the entry of the navigation keeps the page's own.
  const alone = (link) => {
    link.href = `/plugin/tsflow${location.pathname}${location.search}`;
  };

  const furnish = (root) => {
    root.querySelectorAll("table.sortable").forEach(sortable);
    root.querySelectorAll("time").forEach(ownTime);
    root.querySelectorAll("select[data-submit]").forEach(submitOnChange);
    root.querySelectorAll("a[data-alone]").forEach(alone);
    root.querySelectorAll("a[data-outer]").forEach(leaving);
    root.querySelectorAll("[data-figure]").forEach(draw);
  };

  const renew = async () => {
    const main = document.querySelector("main[data-renew]");
    if (!main) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" }).catch(() => null);
    if (answer && answer.status === 401) return location.reload();
    if (answer && answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      const mark = (place) => place.dataset.mark;
      if (fresh && mark(fresh) !== mark(main) && !main.contains(document.activeElement)) {
        main.replaceWith(fresh);
        furnish(fresh);
      }
    }
    setTimeout(renew, 1000 * Number(main.dataset.renew));
  };

  const start = () => {
    furnish(document);
    document.addEventListener("theme", drawAll);
    if (document.querySelector("main[data-renew]")) setTimeout(renew, 2000);
  };
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
})();
