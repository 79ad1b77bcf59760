// The same module for `import`; there is one implementation.
import clientstore from "./index.cjs";

export const { ControlError, Server, StartError, VerifyError, program, start } = clientstore;
