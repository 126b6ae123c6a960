// Lets the search work in a page that is opened from a folder. A browser starts no worker there: here the worker's
// script runs in a hidden frame instead. In: the `Worker` that the theme makes. Out: the same calls and messages.
// The file's name is what keeps the generator from loading such a script from another host.
if (location.protocol === "file:") {
  // As between threads: a copy arrives, after the sender has ended.
  const deliver = (data, receive) => {
    const copy = structuredClone(data);
    setTimeout(() => receive({ data: copy }));
  };

  window.Worker = class {
    #frame = document.createElement("iframe");
    #started;

    constructor(address) {
      this.#frame.hidden = true;
      this.#started = new Promise((resolve) => {
        this.#frame.addEventListener("load", () => resolve(this.#start(address)), { once: true });
      });
      document.body.append(this.#frame);
    }

    #start(address) {
      const inside = this.#frame.contentWindow;
      inside.postMessage = (data) => deliver(data, (message) => this.onmessage?.(message));
      const script = inside.document.createElement("script");
      script.src = new URL(address, location);
      const ended = new Promise((resolve) => {
        script.onload = () => resolve(inside);
        script.onerror = (event) => this.onerror?.(event);
      });
      inside.document.body.append(script);
      return ended;
    }

    postMessage(data) {
      this.#started.then((inside) => deliver(data, inside.onmessage));
    }

    terminate() {
      this.#frame.remove();
    }
  };
}
