// The faults of a table, as they are shown and as they are taken along.
export interface TableFault {
  row: number;
  column?: string;
  value?: string;
  message: string;
}

/** A text that a spreadsheet takes for nothing but text. */
const cell = (text: string): string => {
  const guarded = /^'*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
  return `"${guarded.replaceAll('"', '""')}"`;
};

/** The faults as CSV. */
export function asCsv(faults: readonly TableFault[]): string {
  const rows = faults.map((fault) =>
    [String(fault.row), cell(fault.column ?? ""), cell(fault.value ?? ""), cell(fault.message)].join(","),
  );
  return ['"row","column","value","message"', ...rows].join("\r\n") + "\r\n";
}
