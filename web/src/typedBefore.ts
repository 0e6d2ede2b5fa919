// What somebody typed into the shell while the application was loading.

const inputsOf = (place: ParentNode): HTMLInputElement[] => [...place.querySelectorAll<HTMLInputElement>("form input")];

/** Reads the fields of the shell; returns what puts their texts, and the focus, into the same fields of the page. */
export function typedBefore(shell: ParentNode): (page: ParentNode) => void {
  const typed = inputsOf(shell).map(({ value }) => value);
  const focused = inputsOf(shell).findIndex((input) => input === document.activeElement);
  return (page) => {
    const inputs = inputsOf(page);
    for (const [index, text] of typed.entries()) {
      const input = inputs[index];
      if (!input || text === "") continue;
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      // A field that looks for what was typed takes it when it is left.
      if (index !== focused) input.dispatchEvent(new FocusEvent("blur"));
    }
    const input = inputs[focused];
    input?.focus();
    // Other fields, such as a date, have no selection.
    if (input?.type === "text") input.setSelectionRange(input.value.length, input.value.length);
  };
}
