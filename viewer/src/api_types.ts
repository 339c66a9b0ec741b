// Made by `python -m setpiece.viewer.typescript` from viewer/messages.py. Do not edit.

/** What is known of the world's axes and scale. */
export interface FrameInfo {
  readonly upright: boolean;
  readonly floor: boolean;
  readonly scale_known: boolean;
  readonly unit: string;
  readonly scale_error: number | null;
}

/** A box in world axes that holds nearly everything. */
export interface Bounds {
  readonly min: readonly number[];
  readonly max: readonly number[];
}

/** The splats to load. */
export interface SceneFile {
  readonly url: string;
  readonly splats: number;
  readonly bytes: number;
  readonly sh_degree: number;
  readonly antialias: boolean;
  readonly bounds: Bounds;
}

/** One photo with its camera: OpenCV axes, pixel centres at half-integers. */
export interface CaptureCamera {
  readonly name: string;
  readonly split: string;
  readonly width: number;
  readonly height: number;
  readonly focal_x_px: number;
  readonly focal_y_px: number;
  readonly centre_x_px: number;
  readonly centre_y_px: number;
  readonly cam_from_world: readonly (readonly number[])[];
  readonly photo_url: string;
  readonly thumbnail_url: string;
}

/** Everything that the page needs to start. */
export interface SetInfo {
  readonly name: string;
  readonly version: string;
  readonly frame: FrameInfo;
  readonly scene: SceneFile | null;
  readonly problem: string | null;
  readonly cameras: readonly CaptureCamera[];
  readonly start_camera: number | null;
}
