/** Adds files from the host to a recipe's build context, a folder that already contains the recipe's own files. */
export type Prepare = (context: string, report: (line: string) => void) => Promise<void>;

/** How to build a stand-in: a folder of `recipes/` with a Dockerfile, and what is needed in addition. */
export interface Recipe {
  /** The folder's name. */
  name: string;
  /** The version or release to build: the Dockerfile's build argument VARIANT. */
  variant: string;
  /** The recipe of the base image: the Dockerfile's build argument BASE. */
  from?: Recipe;
  prepare?: Prepare;
  /** The product's display name: `PostgreSQL`. */
  product: string;
  /** The command that prints the product's version in the image. */
  version: readonly string[];
}
