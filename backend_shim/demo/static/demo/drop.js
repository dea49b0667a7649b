/**
 * The two ways in: a file picker, and dropping files anywhere on the page.
 */

import { byId } from "./template.js";

/** @param {(files: File[]) => void} onFiles */
export function takeFiles(onFiles) {
  /** @type {HTMLInputElement} */
  const picker = byId("files");
  picker.addEventListener("change", () => {
    onFiles([...(picker.files ?? [])]);
    // So that choosing the same file again is a change again.
    picker.value = "";
  });

  const veil = byId("drop-veil");
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    veil.hidden = byId("library").hidden;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!carriesFiles(event)) return;
    // Without this the browser leaves the page to open what was dropped.
    event.preventDefault();
    if (!byId("library").hidden) onFiles([...(event.dataTransfer?.files ?? [])]);
  });
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
