/** Starts the cluster of the scenarios, so that it is there when they begin. */
import { provideCluster } from "./setup.ts";

await provideCluster();
