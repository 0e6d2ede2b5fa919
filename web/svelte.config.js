import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true },
  onwarn(warning) {
    // Among them everything that the compiler knows of accessibility.
    throw new Error(`${warning.filename ?? ""}: ${warning.message} (${warning.code})`);
  },
};
