/** The capture cameras, drawn on a canvas over the splats: crisp lines, and nothing in the render itself. */

import type { Frustum } from "../core/frusta";
import { frustumLines } from "../core/frusta";
import { projectLine, type Lens, type Size } from "../core/lens";
import { basisOf, type Pose } from "../core/pose";
import { distance } from "../core/vec";

export interface Marked {
  readonly hovered: number | null;
  readonly shown: number | null;
}

const PLAIN = "244, 239, 230";
const ACCENT = "232, 161, 60";

export class Lines {
  private readonly context: CanvasRenderingContext2D | null;
  private view: Size = { width: 1, height: 1 };

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d");
  }

  resize(view: Size): void {
    this.view = view;
    const ratio = window.devicePixelRatio;
    this.canvas.width = Math.max(1, Math.round(view.width * ratio));
    this.canvas.height = Math.max(1, Math.round(view.height * ratio));
    this.context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  clear(): void {
    this.context?.clearRect(0, 0, this.view.width, this.view.height);
  }

  /** Draw all pyramids as `pose` sees them; the one that is stood in is left out. */
  draw(frusta: readonly Frustum[], pose: Pose, lens: Lens, size: number, marked: Marked): void {
    this.clear();
    const basis = basisOf(pose);
    const near = size * 0.004;
    frusta.forEach((frustum, index) => {
      if (index === marked.shown) {
        return;
      }
      const accent = index === marked.hovered;
      // Nearby pyramids would cover the view: they fade out as the viewer comes close.
      const away = distance(frustum.apex, pose.position) / size;
      const strength = accent ? 1 : 0.75 * Math.min(1, Math.max(0, away * 14 - 0.4));
      if (strength > 0.01) {
        this.trace(frustum, (a, b) => projectLine(a, b, pose.position, basis, lens, near));
        this.stroke(accent ? ACCENT : PLAIN, accent ? 2.2 : 1.2, strength);
      }
    });
  }

  private trace(
    frustum: Frustum,
    cut: (a: Frustum["apex"], b: Frustum["apex"]) => ReturnType<typeof projectLine>,
  ): void {
    this.context?.beginPath();
    const ends = frustumLines(frustum);
    for (let i = 0; i + 1 < ends.length; i += 2) {
      const [a, b] = [ends[i], ends[i + 1]];
      const line = a && b ? cut(a, b) : null;
      if (line) {
        this.context?.moveTo(line[0].x, line[0].y);
        this.context?.lineTo(line[1].x, line[1].y);
      }
    }
  }

  private stroke(colour: string, width: number, strength: number): void {
    const { context } = this;
    if (!context) {
      return;
    }
    context.lineCap = "round";
    // A dark seam below keeps the lines visible on white walls.
    context.strokeStyle = `rgba(0, 0, 0, ${(strength * 0.5).toFixed(3)})`;
    context.lineWidth = width + 2;
    context.stroke();
    context.strokeStyle = `rgba(${colour}, ${strength.toFixed(3)})`;
    context.lineWidth = width;
    context.stroke();
  }
}
