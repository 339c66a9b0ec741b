/** The one question that the page asks the server. */

import type { SetInfo } from "./api_types";

/** What the set is. Rejects with a plain sentence. */
export async function fetchSet(): Promise<SetInfo> {
  const response = await fetch("/api/set").catch(() => null);
  if (!response) {
    throw new Error("The server did not answer. Start it again with: setpiece view SET");
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok || body === null) {
    throw new Error(
      problemOf(body) ?? `The server failed (${response.status}). Start it again with: setpiece view SET`,
    );
  }
  return body as SetInfo; // the server's dataclasses and this type are one (api_types.ts)
}

function problemOf(body: unknown): string | null {
  if (typeof body === "object" && body !== null && "problem" in body && typeof body.problem === "string") {
    return body.problem;
  }
  return null;
}
