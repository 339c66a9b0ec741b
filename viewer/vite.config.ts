import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "dist",
    target: "es2022",
    // PlayCanvas is one big module; splitting it would not make the page start earlier.
    chunkSizeWarningLimit: 4000,
    // Inlined files would be data: URLs, which the server's security policy allows for pictures only.
    assetsInlineLimit: 0,
  },
  server: {
    // `npm run dev` beside `setpiece view SET --no-browser`.
    proxy: { "/api": "http://127.0.0.1:8765" },
  },
});
