/** Adds files from the host to a recipe's build context, a folder that already contains the recipe's own files. */
export type Prepare = (context: string, report: (line: string) => void) => Promise<void>;

/** How to build a stand-in: a folder of `recipes/` with a Dockerfile, and what is needed in addition. */
export interface Recipe {
  /** Its own name and, unless `folder` is given, the folder's. */
  name: string;
  /** The folder, if several recipes share it. */
  folder?: string;
  /** The version or release to build: the Dockerfile's build argument VARIANT. */
  variant: string;
  /** The recipe of the base image: the Dockerfile's build argument BASE. */
  from?: Recipe;
  /** The recipe of an image that the Dockerfile copies from: the build argument COPIED. */
  copied?: Recipe;
  prepare?: Prepare;
  /** The product's display name: `PostgreSQL`. */
  product: string;
  /** The command that prints the product's version in the image. */
  version: readonly string[];
}
