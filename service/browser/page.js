// The tab Count: its parts, and what happens between them.
//
// What is said in words comes from the service; boxes are drawn here, so that the slider does not
// wait for an answer.

import { ask, fileAddress } from "./events.js";
import { part, settled } from "./dom.js";
import { Answers } from "./answers.js";
import { Editor } from "./editor.js";
import { Gallery } from "./gallery.js";
import { Intake } from "./intake.js";
import { IntakeView } from "./intake_view.js";
import { Table } from "./table.js";

const SETTLE_MS = 150;

class CountPage {
  constructor(page, limits) {
    this.page = page;
    this.limits = limits;
    this.photos = new Map(); // by SHA-256, in the order in which they were counted
    this.current = null;
    this.sightings = { visits: [], visit_of: {}, undated: 0, notes: [] };
    this.score = null; // null: the model's own threshold
    const asked = { minScore: () => this.score, small: () => this.part("small").checked };
    this.intake = new Intake(limits, asked, {
      counted: (reply) => this.counted(reply),
      changed: () => this.intakeView?.show(),
    });
    this.intakeView = new IntakeView(page, this.intake, (error) => this.trouble(error));
    this.editor = new Editor(page, (photo, boxes) => this.correct(photo, boxes));
    this.gallery = new Gallery(page, (key) => this.choose(key));
    this.table = new Table(page, (key) => this.choose(key));
    this.answers = new Answers(page, limits, () => ({ photo: this.current, min_score: this.score }));
    this.showRows = settled(() => this.askRows(), SETTLE_MS);
    this.listen();
    this.showScore();
  }

  part(name) {
    return part(this.page, name);
  }

  on(name, event, action) {
    this.part(name).addEventListener(event, async (happened) => {
      this.trouble(null);
      try {
        await action(happened);
      } catch (error) {
        this.trouble(error);
      }
    });
  }

  listen() {
    const slider = this.part("score");
    slider.min = Math.floor(this.limits.lowest_score * 100);
    slider.max = 100;
    slider.value = this.ownStep;
    this.part("notch").replaceChildren(new Option("", this.ownStep));
    this.on("score", "input", () => this.setScore(Number(slider.value)));
    this.on("own", "click", () => this.setScore((slider.value = this.ownStep)));
    this.on("scores", "change", () => this.showPhoto());
    this.on("model", "click", () => this.editor.change(null, "These are the model’s boxes."));
    this.on("remove", "click", () => this.remove([this.current]));
    this.on("remove-all", "click", () => this.remove(null));
    this.part("most").textContent = this.limits.most;
    this.part("counts").textContent = this.limits.counts;
    this.part("warning").textContent = this.limits.warning;
    this.part("warning").hidden = !this.limits.warning;
  }

  /** The slider's place of the model's own threshold, which lies between two of its steps. */
  get ownStep() {
    return Math.floor(this.limits.threshold * 100);
  }

  get photo() {
    return this.photos.get(this.current) ?? null;
  }

  boxes(photo) {
    if (photo.corrected) return photo.corrected;
    if (this.score === null) return photo.boxes.slice(0, photo.certain);
    return photo.boxes.filter(({ score }) => score >= this.score);
  }

  color(label) {
    const photos = [this.photo, ...this.photos.values()]; // of two champions, the one shown first
    const own = photos.find((photo) => photo?.colors[label]);
    return own?.colors[label] ?? { ground: "#ffb000", ink: "#1a1a1a" };
  }

  setScore(step) {
    this.score = Number(step) === this.ownStep ? null : Number(step) / 100;
    this.pending = true; // the numbers are of the score before, and nobody can confirm them
    this.showScore();
    this.showPhoto();
    this.showRows();
  }

  showScore() {
    const percent = (score) => `${Math.round(score * 100)} %`; // as at the boxes
    const own = percent(this.limits.threshold);
    const told = this.score === null
      ? `${own} or more, the model’s own choice`
      : `${percent(this.score)} or more; the model’s own choice is ${own}`;
    this.part("score-words").textContent = told;
    this.part("score").setAttribute("aria-valuetext", told);
    this.part("own").disabled = this.score === null;
  }

  counted({ photos, screen }) {
    for (const photo of photos) {
      const known = this.photos.get(photo.photo);
      this.photos.set(photo.photo, known ? Object.assign(known, photo) : photo);
    }
    this.current ??= photos[0]?.photo ?? null;
    this.showAll(screen);
    this.showRows(); // the visits, once no more photos come
  }

  async askRows() {
    const score = this.score;
    try {
      const { rows, sightings, screen } = await ask("show", { min_score: score });
      this.sightings = sightings;
      if (score !== this.score) return;
      this.pending = false;
      this.showNew(rows, screen);
    } catch (error) {
      this.trouble(error);
    }
  }

  showNew(rows, screen) {
    for (const row of rows) {
      const photo = this.photos.get(row.photo);
      if (photo) photo.row = row;
    }
    this.showAll(screen);
  }

  showAll(screen) {
    const any = this.photos.size > 0;
    this.part("result").hidden = !any;
    this.page.classList.toggle("has-photos", any);
    this.intakeView.foldExamples(any);
    this.part("words").textContent = screen.words;
    this.part("hint").textContent = screen.hint;
    this.table.showTotals(screen.totals, (label) => this.color(label));
    this.table.show(this.photos, this.sightings.visit_of);
    this.table.showSightings(this.sightings, this.photos);
    this.showPhoto();
  }

  choose(key) {
    this.current = key;
    this.answers.forget();
    this.showPhoto();
  }

  showPhoto() {
    const { photo } = this;
    this.gallery.show(this.photos, this.current);
    if (!photo) return;
    const { row } = photo;
    const image = this.part("photo");
    const source = photo.view ? fileAddress(photo.view) : "";
    if (image.getAttribute("src") !== source) {
      if (source) image.src = source;
      else image.removeAttribute("src");
    }
    image.alt = row.name;
    this.part("stage").classList.toggle("unreadable", !photo.view);
    this.part("stage").style.aspectRatio = photo.view ? `${photo.width} / ${photo.height}` : "";
    this.part("stage").style.setProperty("--ratio", photo.view ? photo.width / photo.height : 2);
    this.showCaption(photo);
    this.editor.show(photo, this.boxes(photo), {
      scores: this.part("scores").checked,
      named: photo.classes.length > 1,
      color: (label) => this.color(label),
    });
    this.part("model").disabled = !photo.corrected;
    this.page.querySelector(".boxes-tools").hidden = !photo.view;
    this.part("remove-all").hidden = this.photos.size < 2;
    this.part("help").hidden = !photo.view;
    this.answers.show(row, this.pending);
  }

  showCaption({ row }) {
    const place = [...this.photos.keys()].indexOf(this.current) + 1;
    const of = this.photos.size > 1 ? ` (${place} of ${this.photos.size})` : "";
    const likely = row.likely ? `, likely ${row.likely}` : "";
    const count = row.count ? `: ${row.count}${likely}` : "";
    const remark = row.remark ? `. ${row.remark[0].toUpperCase()}${row.remark.slice(1)}.` : "";
    this.part("caption").textContent = `${row.name}${of}${count}${remark}`;
    this.part("previous").disabled = place <= 1;
    this.part("next").disabled = place >= this.photos.size;
  }

  async correct(photo, boxes) {
    const before = photo.corrected;
    photo.corrected = boxes;
    this.pending = true;
    this.showPhoto();
    const corners = boxes && boxes.map(({ label, corners }) => ({ label, corners }));
    try {
      const request = { photo: photo.photo, boxes: corners, min_score: this.score };
      const { rows, screen } = await ask("correct", request);
      this.pending = false;
      this.showNew(rows, screen);
      this.showRows();
    } catch (error) {
      photo.corrected = before;
      this.pending = false;
      this.showPhoto();
      this.trouble(error);
    }
  }

  async remove(keys) {
    const order = [...this.photos.keys()];
    const { screen } = await ask("remove", { photos: keys, min_score: this.score });
    for (const key of keys ?? order) this.photos.delete(key);
    if (!this.photos.has(this.current)) {
      const place = order.indexOf(this.current);
      const left = [...this.photos.keys()];
      this.current = left[Math.min(place, left.length - 1)] ?? null;
    }
    this.showAll(screen);
    this.showRows();
    if (!this.current) this.page.querySelector("[data-files]").focus();
  }

  trouble(error) {
    const place = this.part("trouble");
    place.hidden = !error;
    place.textContent = error?.message ?? "";
  }
}

async function begin(page) {
  if (page.dataset.begun) return;
  page.dataset.begun = "yes";
  try {
    new CountPage(page, await ask("start"));
    page.dataset.ready = "yes";
  } catch (error) {
    const place = part(page, "trouble");
    place.hidden = false;
    place.textContent = `${error.message} Please load the page again.`;
  }
}

function look() {
  for (const page of document.querySelectorAll("[data-count-page]")) begin(page);
  // What is wide in the model card scrolls on a phone, and so by keyboard, too.
  const wide = document.querySelectorAll(".card :is(table, pre):not([tabindex])");
  for (const element of wide) element.tabIndex = 0;
}

// Gradio makes the page's elements before this script is read, or after.
new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
look();
