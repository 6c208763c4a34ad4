// Pulumi compiles TypeScript that it requires. What a module imports, Node.js runs as it is, by type stripping.
import "./pack.ts";
