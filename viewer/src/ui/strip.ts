/** The photos as a strip of small pictures: the way to the cameras without a pointer in 3D. */

import type { CaptureCamera } from "../api_types";
import { element } from "./dom";

export class Strip {
  private readonly nav = element("strip", HTMLElement);
  private readonly list = element("strip-list", HTMLOListElement);
  private readonly toggle = element("photos", HTMLButtonElement);
  private readonly buttons: HTMLButtonElement[] = [];

  constructor(cameras: readonly CaptureCamera[], choose: (index: number) => void) {
    cameras.forEach((camera, index) => {
      const image = document.createElement("img");
      image.src = camera.thumbnail_url;
      image.alt = "";
      image.loading = "lazy";
      image.decoding = "async";
      const name = document.createElement("span");
      name.textContent = camera.name;
      const button = document.createElement("button");
      button.type = "button";
      button.append(image, name);
      // Removed together with the button.
      button.addEventListener("click", () => choose(index));
      const item = document.createElement("li");
      item.append(button);
      this.list.append(item);
      this.buttons.push(button);
    });
  }

  get open(): boolean {
    return !this.nav.hidden;
  }

  show(open: boolean): void {
    this.nav.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  /** Mark the photo that is shown. */
  mark(shown: number | null): void {
    this.buttons.forEach((button, index) => {
      if (index === shown) {
        button.setAttribute("aria-current", "true");
        button.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else {
        button.removeAttribute("aria-current");
      }
    });
  }

  destroy(): void {
    this.list.replaceChildren();
    this.buttons.length = 0;
  }
}
