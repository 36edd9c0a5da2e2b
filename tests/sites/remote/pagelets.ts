import { Hono } from "./deps.ts";

const app = new Hono();
app.get("/part", (c) => c.html("<p>I have come from a worker</p>"));
export default app;
