/** Numbers as people read them. Lengths are never given in metres where the scale is unknown. */

import type { FrameInfo } from "../api_types";

const COUNT = new Intl.NumberFormat("en");

/** "152,746". */
export const formatCount = (value: number): string => COUNT.format(value);

/** "1 photo", "3 photos". */
export const plural = (value: number, noun: string): string =>
  `${formatCount(value)} ${noun}${value === 1 ? "" : "s"}`;

/** "2.41 m" where the scale is known, else "2.41 units". */
export function formatLength(value: number, frame: FrameInfo): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${frame.scale_known ? frame.unit : "units"}`;
}

/** "24.8 MB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit] ?? ""}`;
}

/** What is known of the world, in a few words. */
export function describeFrame(frame: FrameInfo): string {
  const error = frame.scale_error === null ? "" : ` ± ${Number((100 * frame.scale_error).toPrecision(2))} %`;
  const scale = frame.scale_known ? `lengths in ${frame.unit}${error}` : "scale unknown";
  return frame.upright ? scale : `${scale}, may be tilted`;
}
