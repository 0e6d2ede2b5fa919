// Whether the page waits, hidden, until somebody signs in again: its dialogs then let go of the focus.
class Paused {
  isOn = $state(false);
}

export const paused = new Paused();
