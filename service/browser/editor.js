// The boxes on the photo: a click removes one, a drag draws one; by mouse, touch and keyboard.

import { make, paint, part, words } from "./dom.js";

const LEAST_DRAG_PX = 5; // on the screen; less is a click
const LABEL_FRACTION = 0.1; // of the photo's sides
const STEP = 0.01; // of the photo's longer side, for an arrow key
const FIRST_SIZE = 0.15; // of a box that the keyboard adds

export class Editor {
  /** `corrected` is called with a photo's boxes whenever a person changed them. */
  constructor(page, corrected) {
    this.corrected = corrected;
    this.stage = part(page, "stage");
    this.layer = part(page, "boxes");
    this.image = part(page, "photo");
    this.say = part(page, "say");
    this.draw = part(page, "draw");
    this.kind = part(page, "class");
    this.kindLabel = part(page, "class-label");
    this.undo = part(page, "undo");
    this.history = new Map();
    this.photo = null;
    this.draft = null;
    this.drag = null;
    this.draw.addEventListener("click", (event) => this.toggleDrawing(event.detail === 0));
    this.undo.addEventListener("click", () => this.takeBack());
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      this.stage.addEventListener(type, (event) => this[type](event));
    }
    this.stage.addEventListener("click", (event) => this.click(event), true);
    this.stage.addEventListener("dragstart", (event) => event.preventDefault());
    this.layer.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show a photo's boxes; `look` says how (`scores`, `color`, `named`). */
  show(photo, boxes, look) {
    if (photo !== this.photo) this.leaveDrawing();
    Object.assign(this, { photo, boxes, look });
    this.offerClasses(photo.classes);
    const biggestFirst = [...boxes].sort((a, b) => area(b) - area(a));
    const number = biggestFirst.length;
    const focused = this.layer.contains(document.activeElement);
    this.layer.replaceChildren(
      ...biggestFirst.map((box, i) => this.element(box, `${i + 1} of ${number}`)),
    );
    if (this.draft) this.layer.append(this.draftElement());
    if (focused) (this.layer.lastElementChild ?? this.draw).focus();
    this.undo.disabled = !this.history.get(photo?.photo)?.length;
  }

  offerClasses(classes) {
    const names = [...this.kind.options].map(({ value }) => value);
    if (names.join("\n") !== classes.join("\n")) {
      this.kind.replaceChildren(...classes.map((name) => new Option(words(name), name)));
    }
    this.kindLabel.hidden = classes.length < 2;
  }

  element(box, place) {
    const score = box.score === null ? "drawn" : `${Math.round(box.score * 100)} %`;
    const name = words(box.label);
    const element = make("button", { type: "button", className: "box" });
    element.box = box;
    element.setAttribute("aria-label", `${name}, ${score}, box ${place}: press to remove`);
    paint(element, this.look.color(box.label));
    this.place(element, box.corners);
    const text = [this.look.named ? name : "", this.look.scores ? score : ""];
    const label = text.filter(Boolean).join(" ");
    if (label) element.append(make("span", { textContent: label }));
    const [left, top] = box.corners; // at the photo's edge the label is inside, where it is seen
    element.classList.toggle("at-top", top < LABEL_FRACTION * this.photo.height);
    element.classList.toggle("at-right", left > (1 - 2 * LABEL_FRACTION) * this.photo.width);
    return element;
  }

  draftElement() {
    const element = make("button", { type: "button", className: "box draft" });
    paint(element, this.look.color(this.kind.value || this.photo.classes[0]));
    element.setAttribute("aria-label", "New box: arrow keys move it, Shift and arrow keys change " +
      "its size, Enter keeps it, Escape drops it");
    this.place(element, this.draft);
    return element;
  }

  place(element, [left, top, right, bottom]) {
    const { width, height } = this.photo;
    const percent = (value, of) => `${(100 * value) / of}%`;
    element.style.left = percent(left, width);
    element.style.top = percent(top, height);
    element.style.width = percent(right - left, width);
    element.style.height = percent(bottom - top, height);
  }

  change(boxes, sentence) {
    const steps = this.history.get(this.photo.photo) ?? [];
    steps.push(this.photo.corrected);
    this.history.set(this.photo.photo, steps);
    this.say.textContent = sentence;
    this.corrected(this.photo, boxes);
  }

  takeBack() {
    const steps = this.history.get(this.photo.photo) ?? [];
    if (!steps.length) return;
    this.say.textContent = "Taken back.";
    this.corrected(this.photo, steps.pop());
  }

  remove(box) {
    this.change(this.boxes.filter((other) => other !== box), `Removed: ${words(box.label)}.`);
  }

  add(corners) {
    const [left, top, right, bottom] = corners;
    const { width, height } = this.photo;
    const inside = [
      Math.max(0, Math.min(left, right)), Math.max(0, Math.min(top, bottom)),
      Math.min(width, Math.max(left, right)), Math.min(height, Math.max(top, bottom)),
    ].map((value) => Math.round(value * 10) / 10);
    if (inside[2] - inside[0] < 1 || inside[3] - inside[1] < 1) return;
    const label = this.kind.value || this.photo.classes[0];
    this.change([...this.boxes, { label, corners: inside, score: null }], `Added: ${words(label)}.`);
  }

  // By keyboard: a box in the middle, which arrow keys move and change.
  toggleDrawing(byKeyboard) {
    if (byKeyboard) {
      const { width, height } = this.photo;
      const half = (FIRST_SIZE * Math.max(width, height)) / 2;
      const [x, y] = [width / 2, height / 2];
      this.draft = [
        Math.max(0, x - half), Math.max(0, y - half),
        Math.min(width, x + half), Math.min(height, y + half),
      ];
      this.show(this.photo, this.boxes, this.look);
      this.layer.lastElementChild.focus();
      return;
    }
    const drawing = this.stage.classList.toggle("drawing");
    this.draw.setAttribute("aria-pressed", String(drawing));
  }

  leaveDrawing() {
    this.draft = this.drag = null;
    this.stage.classList.remove("drawing");
    this.draw.setAttribute("aria-pressed", "false");
  }

  key(event) {
    const element = event.target;
    if (element.classList.contains("draft")) {
      if (this.moveDraft(event)) event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.remove(element.box);
    }
  }

  moveDraft(event) {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ] ?? [0, 0];
    if (event.key === "Enter" || event.key === " " || event.key === "Escape") {
      const corners = this.draft;
      this.draft = null;
      if (event.key === "Escape") this.show(this.photo, this.boxes, this.look);
      else this.add(corners);
      this.draw.focus();
      return true;
    }
    if (!x && !y) return false;
    const { width, height } = this.photo;
    const step = STEP * Math.max(width, height);
    const [left, top, right, bottom] = this.draft;
    const limited = (value, most, least = 0) => Math.min(most, Math.max(least, value));
    if (event.shiftKey) {
      this.draft = [left, top, limited(right + x * step, width, left + step),
        limited(bottom + y * step, height, top + step)];
    } else {
      const moved = [limited(x * step, width - right, -left), limited(y * step, height - bottom, -top)];
      this.draft = [left + moved[0], top + moved[1], right + moved[0], bottom + moved[1]];
    }
    this.place(event.target, this.draft);
    return true;
  }

  // By mouse at any time; by touch while "Add a box" is pressed, since a drag scrolls otherwise.
  pointerdown(event) {
    const may = event.pointerType === "mouse" || this.stage.classList.contains("drawing");
    if (!may || event.button !== 0 || !this.photo?.view || event.target === this.draftShown) return;
    this.drag = { from: this.at(event), x: event.clientX, y: event.clientY, element: null };
  }

  pointermove(event) {
    if (!this.drag) return;
    const far = Math.hypot(event.clientX - this.drag.x, event.clientY - this.drag.y);
    if (!this.drag.element && far < LEAST_DRAG_PX) return;
    if (!this.drag.element) {
      this.stage.setPointerCapture(event.pointerId);
      this.drag.element = make("div", { className: "box rubber" });
      this.layer.append(this.drag.element);
    }
    const to = this.at(event);
    const { from } = this.drag;
    this.place(this.drag.element, [
      Math.min(from[0], to[0]), Math.min(from[1], to[1]),
      Math.max(from[0], to[0]), Math.max(from[1], to[1]),
    ]);
  }

  pointerup(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag?.element) return;
    drag.element.remove();
    this.dragged = true; // the click that follows is none
    setTimeout(() => (this.dragged = false));
    this.leaveDrawing();
    this.add([...drag.from, ...this.at(event)]);
  }

  pointercancel() {
    this.drag?.element?.remove();
    this.drag = null;
  }

  click(event) {
    const element = event.target.closest(".box");
    if (this.dragged) event.stopPropagation();
    else if (element?.box && !this.stage.classList.contains("drawing")) this.remove(element.box);
  }

  at(event) {
    const frame = this.layer.getBoundingClientRect();
    const { width, height } = this.photo;
    const x = Math.min(1, Math.max(0, (event.clientX - frame.left) / frame.width));
    const y = Math.min(1, Math.max(0, (event.clientY - frame.top) / frame.height));
    return [x * width, y * height];
  }
}

function area({ corners: [left, top, right, bottom] }) {
  return (right - left) * (bottom - top);
}
