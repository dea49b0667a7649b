// The floor: what a request costs that does nothing, in JavaScript.

export default {
  fetch() {
    return new Response("hello");
  },
};
