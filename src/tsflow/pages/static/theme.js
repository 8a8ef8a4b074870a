// Light or dark as Airflow's UI around the page is; alone as it was last chosen there, else as the reader's system is.
(() => {
  const own = document.documentElement;
  const around = () => {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null;
    }
  };
  const chosen = () => {
    const outer = around();
    if (outer) return outer.classList.contains("dark") ? "dark" : "light";
    try {
      const kept = localStorage.getItem("theme");
      if (kept === "dark" || kept === "light") return kept;
    } catch {
      // no storage: the system decides
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  };
  const apply = () => {
    const theme = chosen();
    if (own.dataset.theme === theme) return;
    own.dataset.theme = theme;
    document.dispatchEvent(new Event("theme"));
  };
  apply();
  const outer = around();
  if (outer) {
    own.classList.add("inside");
    new MutationObserver(apply).observe(outer, { attributes: true, attributeFilter: ["class"] });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
})();
