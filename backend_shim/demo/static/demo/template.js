/**
 * Markup stays in the page: a script takes a copy of a <template> and fills its parts.
 */

/**
 * @param {string} id a <template> of the page with one element in it
 * @returns {{root: HTMLElement, part: (name: string) => HTMLElement}} a copy, and its
 *   elements by their `data-part`
 */
export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const root = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (root.querySelector(`[data-part="${name}"]`));
  return { root, part };
}

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  return /** @type {T} */ (document.getElementById(id));
}

/** @param {string} sentence what a screen reader should say now */
export function announce(sentence) {
  byId("status").textContent = sentence;
}
