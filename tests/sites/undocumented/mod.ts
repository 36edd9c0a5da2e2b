export function bare(): void {}

/** A class. */
export class Half {
  /** Said. */
  a = 1;
  #hidden = 2;

  constructor(start: number) {
    this.#hidden = start;
  }

  method(): number {
    return this.#hidden;
  }
}

/** A shape. */
export interface Shape {
  /** Said. */
  a: number;
  b: number;
}

/** Said, as are its members. */
export type Alias = {
  c: number;
};
