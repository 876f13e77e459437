// A socket that comes back by itself, later and later, unless it was refused for a reason that a retry does not change.
const LONGEST_WAIT = 30_000;

// `path` is asked at each connection; `heard` gets what the server sent, as a value.
export function listen(path, { opened, heard, refused = () => {} }) {
  let socket = null;
  let failures = 0;

  function connect() {
    const address = new URL(path(), location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(address);
    socket.onopen = () => { failures = 0; opened(); };
    socket.onmessage = ({ data }) => heard(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (code >= 4400 && code < 4500) {
        refused(code);
        return;
      }
      const wait = Math.min(LONGEST_WAIT, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
      failures += 1;
      setTimeout(connect, wait);
    };
  }

  connect();
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    send: (value) => socket.send(JSON.stringify(value)),
  };
}
