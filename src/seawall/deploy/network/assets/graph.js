"use strict";
(() => {
  const graph = JSON.parse(document.getElementById("graph").textContent);
  const svg = document.getElementById("map");
  const layer = document.getElementById("edges");
  const panel = document.getElementById("panel");
  const hint = [...panel.childNodes];
  const nodes = [...svg.querySelectorAll(".node")];
  const outgoing = graph.nodes.map(() => []);
  const incoming = graph.nodes.map(() => []);
  for (const edge of graph.edges) {
    outgoing[edge[0]].push(edge);
    incoming[edge[1]].push(edge);
  }

  // A line from box to box that leaves and enters at the nearer sides.
  const path = (from, to) => {
    const a = graph.nodes[from].box, b = graph.nodes[to].box;
    const ax = a[0] + a[2] / 2, ay = a[1] + a[3] / 2, bx = b[0] + b[2] / 2, by = b[1] + b[3] / 2;
    if (Math.abs(bx - ax) < a[2]) {
      const down = by > ay, side = ax + (down ? 12 : -12), y1 = down ? a[1] + a[3] : a[1], y2 = down ? b[1] : b[1] + b[3];
      const bend = Math.max(20, Math.abs(y2 - y1) / 2) * (down ? 1 : -1);
      return `M${side} ${y1}C${side} ${y1 + bend} ${bx + (down ? 12 : -12)} ${y2 - bend} ${bx + (down ? 12 : -12)} ${y2}`;
    }
    const right = bx > ax, y = right ? 5 : -5, x1 = right ? a[0] + a[2] : a[0], x2 = right ? b[0] : b[0] + b[2];
    const bend = Math.max(30, Math.abs(x2 - x1) / 2) * (right ? 1 : -1);
    return `M${x1} ${ay + y}C${x1 + bend} ${ay + y} ${x2 - bend} ${by + y} ${x2} ${by + y}`;
  };

  const draw = (edges, kind) => {
    for (const [from, to] of edges) {
      const line = document.createElementNS(svg.namespaceURI, "path");
      line.setAttribute("class", kind ? `edge ${kind}` : "edge");
      line.setAttribute("d", path(from, to));
      line.setAttribute("marker-end", kind ? `url(#head-${kind})` : "url(#head)");
      layer.append(line);
    }
  };

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  const list = (title, edges, end) => {
    panel.append(element("h3", `${title}: ${edges.length}`));
    const items = element("ul");
    for (const edge of edges) {
      const item = element("li"), link = element("button", graph.nodes[edge[end]].name);
      link.addEventListener("click", () => choose(edge[end]));
      item.append(link, element("span", graph.ports[edge[2]], "ports"));
      items.append(item);
    }
    panel.append(items);
  };

  const clear = () => {
    svg.classList.remove("chosen");
    layer.replaceChildren();
    for (const node of nodes) {
      node.classList.remove("self", "to", "from");
      node.setAttribute("aria-pressed", "false");
    }
  };

  const rest = () => {
    clear();
    panel.replaceChildren(...hint);
    if (graph.edges.length <= graph.few) draw(graph.edges, "");
  };

  const choose = (place) => {
    clear();
    svg.classList.add("chosen");
    const chosen = nodes[place];
    chosen.classList.add("self");
    chosen.setAttribute("aria-pressed", "true");
    chosen.scrollIntoView({ block: "nearest", inline: "nearest" });
    for (const [, to] of outgoing[place]) nodes[to].classList.add("to");
    for (const [from] of incoming[place]) nodes[from].classList.add("from");
    draw(incoming[place], "in");
    draw(outgoing[place], "out");
    const node = graph.nodes[place];
    panel.replaceChildren(element("h2", node.name));
    if (node.policies) {
      panel.append(element("h3", node.policies.length ? "Policies that select it" : "No policy selects it: whatever the other end allows is open"));
      const items = element("ul");
      for (const policy of node.policies) items.append(element("li", policy));
      panel.append(items);
    }
    list("May open connections to", outgoing[place], 1);
    list("May be reached from", incoming[place], 0);
  };

  nodes.forEach((node, place) => {
    node.addEventListener("click", (event) => {
      event.stopPropagation();
      choose(place);
    });
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(place);
      }
    });
  });
  svg.addEventListener("click", rest);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") rest();
  });
  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    nodes.forEach((node, place) => node.classList.toggle("missed", !graph.nodes[place].name.toLowerCase().includes(wanted)));
  });
  rest();
  const asked = Number(location.hash.slice(1));
  if (location.hash.length > 1 && Number.isInteger(asked) && asked >= 0 && asked < nodes.length) choose(asked);
})();
