// npm's render2 as it is.
export { default } from "render2";
