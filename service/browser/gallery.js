// The photos side by side: a click or an arrow key shows another.

import { fileAddress } from "./events.js";
import { make, part } from "./dom.js";

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
const NO_KEYS = "input, select, textarea, .draft, .scroll";

export class Gallery {
  /** `chosen` is called with the photo to show. */
  constructor(page, chosen) {
    this.place = part(page, "gallery");
    this.chosen = chosen;
    this.tiles = new Map();
    part(page, "previous").addEventListener("click", () => this.step(-1));
    part(page, "next").addEventListener("click", () => this.step(1));
    part(page, "result").addEventListener("keydown", (event) => this.key(event));
  }

  /** Bring the tiles in line with the photos; `current` is the one that is shown. */
  show(photos, current) {
    for (const [key, tile] of this.tiles) {
      if (photos.has(key)) continue;
      tile.remove();
      this.tiles.delete(key);
    }
    for (const photo of photos.values()) this.showOne(photo, photo.photo === current);
    this.current = current;
    this.place.hidden = photos.size < 2;
    this.place.parentElement.classList.toggle("many", photos.size > 1);
  }

  showOne(photo, isCurrent) {
    let tile = this.tiles.get(photo.photo);
    if (!tile) {
      tile = this.make(photo);
      this.tiles.set(photo.photo, tile);
      this.place.append(tile);
    }
    const { row } = photo;
    const count = row.count || "–";
    tile.lastElementChild.textContent = row.corrected ? `${count} ✎` : count;
    const said = row.count ? `counted ${row.count}` : "could not be counted";
    tile.setAttribute("aria-label", `${row.name}, ${said}${row.corrected ? ", corrected" : ""}`);
    tile.setAttribute("aria-current", String(isCurrent));
    tile.tabIndex = isCurrent ? 0 : -1;
  }

  make(photo) {
    const tile = make("button", { type: "button", className: "tile", title: photo.row.name });
    if (photo.thumbnail) {
      tile.append(make("img", { src: fileAddress(photo.thumbnail), alt: "", loading: "lazy" }));
    } else {
      tile.append(make("span", { className: "no-picture", textContent: "?" }));
    }
    tile.append(make("span", { className: "badge" }));
    tile.addEventListener("click", () => this.chosen(photo.photo));
    return tile;
  }

  key(event) {
    const step = STEPS[event.key];
    const edge = { Home: 0, End: -1 }[event.key];
    const elsewhere = event.altKey || event.ctrlKey || event.metaKey || event.target.closest(NO_KEYS);
    if ((step === undefined && edge === undefined) || elsewhere) return;
    event.preventDefault();
    if (step) this.step(step);
    else this.choose([...this.tiles.keys()].at(edge));
  }

  step(by) {
    const keys = [...this.tiles.keys()];
    this.choose(keys[Math.min(keys.length - 1, Math.max(0, keys.indexOf(this.current) + by))]);
  }

  choose(key) {
    if (!key || key === this.current) return;
    const focused = this.place.contains(document.activeElement);
    this.chosen(key);
    const tile = this.tiles.get(key);
    tile.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focused) tile.focus();
  }
}
