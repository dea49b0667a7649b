/**
 * The demo: signs a person in, and hands what they do to the parts of the page.
 */

import { Api, MediaError } from "../web/client/api.js";
import { Delivery } from "../web/client/delivery.js";
import { upload } from "../web/client/upload.js";
import { takeFiles } from "./drop.js";
import { Gallery } from "./gallery.js";
import { Queue } from "./queue.js";
import { byId } from "./template.js";

const api = new Api();
const delivery = new Delivery(api);
const gallery = new Gallery(delivery);

/** What the user's files are attached to. */
let home = "";

const queue = new Queue({
  send: (file, options) => upload(file, { api, attachTo: home, ...options }),
  onAdded: (tile) => gallery.lead(tile),
  onStored: (media, tile) => gallery.replace(tile, media),
});

/** Finds out who is there, and shows what they have. */
async function start() {
  byId("trouble").hidden = true;
  try {
    const { user } = await api.call("GET", "/api/session");
    await enter(user);
  } catch (error) {
    byId("trouble-text").textContent = sentenceOf(error);
    byId("trouble").hidden = false;
  }
}

/** @param {{username: string, gallery: string} | null} user */
async function enter(user) {
  byId("who").hidden = user === null;
  byId("library").hidden = user === null;
  byId("sign-in").hidden = user !== null;
  if (user === null) return leave();
  home = user.gallery;
  byId("user-name").textContent = user.username;
  await gallery.fill(api.call("GET", "/api/gallery").then(({ items }) => items));
}

function leave() {
  queue.cancelAll();
  gallery.clear();
  byId("user-name-field").focus();
}

/** @param {SubmitEvent} event */
async function signIn(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const button = /** @type {HTMLButtonElement} */ (event.submitter);
  const credentials = Object.fromEntries(new FormData(form));
  byId("sign-in-refusal").textContent = "";
  button.disabled = true;
  try {
    await api.call("POST", "/api/session", { body: credentials });
    form.reset();
    await start();
  } catch (error) {
    byId("sign-in-refusal").textContent = sentenceOf(error);
  } finally {
    button.disabled = false;
  }
}

async function signOut() {
  await api.call("DELETE", "/api/session");
  await enter(null);
}

/** @param {unknown} error */
function sentenceOf(error) {
  if (error instanceof MediaError) return error.message;
  throw error;
}

byId("sign-in-form").addEventListener("submit", signIn);
byId("sign-out").addEventListener("click", signOut);
byId("reload").addEventListener("click", start);
takeFiles((files) => queue.add(files));

document.addEventListener("visibilitychange", () =>
  document.hidden ? delivery.sleep() : delivery.wake(),
);
addEventListener("online", () => delivery.wake());

await start();
