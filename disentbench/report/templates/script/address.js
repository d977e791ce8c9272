// What the reader has chosen, kept in the address, so that a link shows the page as it stands:
// `#section?rank=elbo&runs.sort=-mig`.

const address = (() => {
  const parted = () => {
    const [anchor, words = ""] = decoded(location.hash.slice(1)).split(/\?(.*)/s);
    return { anchor, state: new URLSearchParams(words) };
  };
  let { anchor, state } = parted();

  function decoded(text) {
    const place = text.indexOf("?");
    const head = place < 0 ? text : text.slice(0, place);
    try {
      return decodeURIComponent(head) + (place < 0 ? "" : text.slice(place));
    } catch {
      return text;
    }
  }

  function write() {
    const words = state.toString();
    const hash = `#${encodeURIComponent(anchor)}${words ? `?${words}` : ""}`;
    try {
      history.replaceState(null, "", anchor || words ? hash : location.pathname + location.search);
    } catch {
      // A page within another's sandbox has no address of its own.
    }
  }

  // A link within the page goes on with what was chosen; another address is another page.
  addEventListener("hashchange", () => {
    const came = parted();
    if (came.state.size && came.state.toString() !== state.toString()) location.reload();
    anchor = came.anchor;
    write();
    goto();
  });

  const target = () => document.getElementById(anchor);
  const goto = () => target()?.scrollIntoView();

  return {
    goto,
    target,
    get: (key, otherwise = "") => state.get(key) ?? otherwise,
    set(key, value) {
      if (value) state.set(key, value);
      else state.delete(key);
      write();
    },
    /** Forgets every choice whose key begins so. */
    forget(start) {
      for (const key of [...state.keys()].filter((key) => key.startsWith(start))) state.delete(key);
      write();
    },
  };
})();
