/** A registry's login, in the form that Docker's API takes. */
export interface Login {
  username?: string;
  password?: string;
  identitytoken?: string;
  serveraddress: string;
}

export interface FoundLogin {
  login?: Login;
  /** Why the user's login could not be read, in one line. */
  problem?: string;
}
