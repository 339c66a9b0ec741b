"""The set in a browser: `server` serves it, the TypeScript in `src/` is the page (docs/viewer.md)."""
