/** The element with an id, of the type that the page says it has. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`index.html has no ${type.name} #${id}`);
  }
  return found;
}

/** Mark a button as on or off, for eyes and screen readers. */
export function press(button: HTMLButtonElement, on: boolean): void {
  button.setAttribute("aria-pressed", String(on));
}

let announced: ReturnType<typeof setTimeout> | undefined;

/** Have screen readers say `text`; only the last of several in a row. */
export function announce(text: string): void {
  clearTimeout(announced);
  announced = setTimeout(() => {
    element("live", HTMLParagraphElement).textContent = text;
  }, 150);
}
