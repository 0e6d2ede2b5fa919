// What GraphiQL keeps: its tabs, queries and history. They last as long as the application is loaded, and belong to one person.

class Memory {
  readonly #kept = new Map<string, string>();
  get length(): number {
    return this.#kept.size;
  }
  getItem(name: string): string | null {
    return this.#kept.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.#kept.set(name, value);
  }
  removeItem(name: string): void {
    this.#kept.delete(name);
  }
  clear(): void {
    this.#kept.clear();
  }
}

let memory = new Memory();
let owner: string | null = null;

/** Returns what this person left; of another, and of a session that ended, nothing. */
export function memoryOf(person: string | null): Memory {
  if (person !== owner) memory = new Memory();
  owner = person;
  return memory;
}
