// The token of a guest outlives a reload, in its tab alone, until it expires: a payer who comes back from a bank's page finds the
// hold again. It is of no account.
const NAME = "loadmaster.guest";

interface Pass {
  token: string;
  /** By this machine's clock, in milliseconds. */
  expires: number;
}

export const guestPass = {
  keep(pass: Pass): void {
    try {
      sessionStorage.setItem(NAME, JSON.stringify(pass));
    } catch {
      // Storage may be switched off: it then lasts as long as the page.
    }
  },

  read(): Pass | null {
    try {
      const { token, expires } = JSON.parse(sessionStorage.getItem(NAME) ?? "{}") as Partial<Pass>;
      return typeof token === "string" && typeof expires === "number" ? { token, expires } : null;
    } catch {
      return null;
    }
  },

  forget(): void {
    try {
      sessionStorage.removeItem(NAME);
    } catch {
      // Nothing was kept.
    }
  },
};
