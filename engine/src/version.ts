/** The release of the official engine whose API this one speaks: that of the installed SDK. */
export const ENGINE_VERSION = "v0.21.8";
