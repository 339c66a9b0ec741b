/** Pointers, wheel and keys on the view, told as what the user wants. */

import { commandOf, isSteeringKey, steeringOf, type Command } from "../core/keys";
import type { Steering } from "../core/rig";

export interface InputTarget {
  drag(dx: number, dy: number): void;
  pan(dx: number, dy: number): void;
  dolly(steps: number): void;
  tap(x: number, y: number): void;
  doubleTap(x: number, y: number): void;
  hover(x: number, y: number): void;
  command(command: Command): void;
}

interface Contact {
  x: number;
  y: number;
  readonly startX: number;
  readonly startY: number;
  readonly pans: boolean;
  moved: boolean;
}

const TAP_PX = 6;
const DOUBLE_TAP_MS = 350;
const DOUBLE_TAP_PX = 28;
const PINCH_STEP = Math.log(1 / 0.9); // one dolly step is 10 % of the distance
const WHEEL_PX_PER_STEP = 90;

export class Input {
  private readonly contacts = new Map<number, Contact>();
  private readonly held = new Set<string>();
  private readonly abort = new AbortController();
  private lastTap = { time: -Infinity, x: 0, y: 0 };
  private pinched = false;

  constructor(
    private readonly surface: HTMLElement,
    private readonly target: InputTarget,
  ) {
    const options = { signal: this.abort.signal };
    surface.addEventListener("pointerdown", (e) => this.down(e), options);
    surface.addEventListener("pointermove", (e) => this.move(e), options);
    surface.addEventListener("pointerup", (e) => this.up(e), options);
    surface.addEventListener("pointercancel", (e) => this.forget(e), options);
    surface.addEventListener("contextmenu", (e) => e.preventDefault(), options);
    surface.addEventListener("wheel", (e) => this.wheel(e), { ...options, passive: false });
    window.addEventListener("keydown", (e) => this.keyDown(e), options);
    window.addEventListener("keyup", (e) => this.held.delete(e.code), options);
    window.addEventListener("blur", () => this.held.clear(), options);
  }

  /** What the held keys ask for. */
  get steering(): Steering {
    return steeringOf(this.held);
  }

  destroy(): void {
    this.abort.abort();
  }

  private place(event: PointerEvent): { x: number; y: number } {
    const box = this.surface.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private down(event: PointerEvent): void {
    this.surface.setPointerCapture(event.pointerId);
    this.surface.focus({ preventScroll: true });
    const { x, y } = this.place(event);
    const pans = event.pointerType === "mouse" && (event.button !== 0 || event.shiftKey);
    this.contacts.set(event.pointerId, { x, y, startX: x, startY: y, pans, moved: false });
    this.pinched = this.contacts.size > 1;
  }

  private move(event: PointerEvent): void {
    const { x, y } = this.place(event);
    const contact = this.contacts.get(event.pointerId);
    if (!contact) {
      this.target.hover(x, y);
      return;
    }
    if (!contact.moved && Math.hypot(x - contact.startX, y - contact.startY) < TAP_PX) {
      return;
    }
    contact.moved = true;
    const [dx, dy] = [x - contact.x, y - contact.y];
    const other = [...this.contacts].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const before = Math.hypot(contact.x - other.x, contact.y - other.y);
      const after = Math.hypot(x - other.x, y - other.y);
      if (before > 1 && after > 1) {
        this.target.dolly(Math.log(after / before) / PINCH_STEP);
      }
      this.target.pan(dx / 2, dy / 2); // the middle between two fingers moves half as far
    } else if (contact.pans) {
      this.target.pan(dx, dy);
    } else {
      this.target.drag(dx, dy);
    }
    contact.x = x;
    contact.y = y;
  }

  private up(event: PointerEvent): void {
    const contact = this.contacts.get(event.pointerId);
    this.forget(event);
    if (!contact || contact.moved || contact.pans || this.pinched) {
      this.pinched = this.contacts.size > 0;
      return;
    }
    const { x, y } = this.place(event);
    const { time, x: lastX, y: lastY } = this.lastTap;
    const twice = event.timeStamp - time < DOUBLE_TAP_MS && Math.hypot(x - lastX, y - lastY) < DOUBLE_TAP_PX;
    this.lastTap = { time: twice ? -Infinity : event.timeStamp, x, y };
    if (twice) {
      this.target.doubleTap(x, y);
    } else {
      this.target.tap(x, y);
    }
  }

  private forget(event: PointerEvent): void {
    this.contacts.delete(event.pointerId);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 30;
    this.target.dolly(-pixels / WHEEL_PX_PER_STEP);
  }

  private keyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
      return; // the browser's own, or the open dialog's
    }
    const focused = event.target;
    const own =
      (focused instanceof HTMLInputElement && event.key !== "Escape") ||
      (focused instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter"));
    if (own) {
      return; // a slider and a button have keys of their own
    }
    const command = commandOf(event.key);
    if (command) {
      event.preventDefault();
      if (!event.repeat || command === "previous" || command === "next") {
        this.target.command(command);
      }
    } else if (isSteeringKey(event.code) || event.key === "Shift") {
      if (isSteeringKey(event.code)) {
        event.preventDefault();
      }
      this.held.add(event.code);
    }
  }
}
