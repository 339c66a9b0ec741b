/** What the keys mean: held keys steer, pressed keys command. */

import type { Steering } from "./rig";

export type Command =
  "orbit" | "fly" | "frame" | "cameras" | "photos" | "help" | "escape" | "previous" | "next" | "compare";

// By place on the keyboard (KeyboardEvent.code), so that WASD is where it is on every layout.
const STEERING: Readonly<Record<string, readonly [Exclude<keyof Steering, "fast">, number]>> = {
  KeyW: ["forward", 1],
  KeyS: ["forward", -1],
  KeyD: ["right", 1],
  KeyA: ["right", -1],
  KeyE: ["up", 1],
  KeyQ: ["up", -1],
  ArrowRight: ["turnRight", 1],
  ArrowLeft: ["turnRight", -1],
  ArrowUp: ["turnUp", 1],
  ArrowDown: ["turnUp", -1],
};

// By the letter that the key types (KeyboardEvent.key), because help names letters.
const COMMANDS: Readonly<Record<string, Command>> = {
  "1": "orbit",
  "2": "fly",
  f: "frame",
  c: "cameras",
  p: "photos",
  h: "help",
  "?": "help",
  escape: "escape",
  pageup: "previous",
  ",": "previous",
  pagedown: "next",
  ".": "next",
  " ": "compare",
};

export const isSteeringKey = (code: string): boolean => code in STEERING;

export const commandOf = (key: string): Command | null => COMMANDS[key.toLowerCase()] ?? null;

/** What the held keys ask for together. */
export function steeringOf(held: ReadonlySet<string>): Steering {
  const sum = { forward: 0, right: 0, up: 0, turnRight: 0, turnUp: 0 };
  for (const code of held) {
    const meaning = STEERING[code];
    if (meaning) {
      sum[meaning[0]] += meaning[1];
    }
  }
  return { ...sum, fast: held.has("ShiftLeft") || held.has("ShiftRight") };
}
