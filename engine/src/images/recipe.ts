/** Adds what the host has to a recipe's build context, a folder that already holds the recipe's own files. */
export type Prepare = (context: string, report: (line: string) => void) => Promise<void>;

/** How a stand-in is made: a folder of `recipes/` with a Dockerfile, and what it needs beyond. */
export interface Recipe {
  /** The folder's name. */
  name: string;
  /** Which of the images that the recipe can make: it reaches the Dockerfile as the build argument VARIANT. */
  variant: string;
  /** The recipe for the image that the Dockerfile's `BASE` stands for. */
  from?: Recipe;
  prepare?: Prepare;
  /** What the image is of, for people: `PostgreSQL`. */
  product: string;
  /** Prints the product's version when it is run in the image. */
  version: readonly string[];
}
