# The container in which workerd keeps JavaScript modules: a Pyodide bundle is
# one message of this kind. Only the shape on the wire counts (the field numbers
# and types), which is why this file is so short.
@0xa81c5b9cd9a1f0d3;

struct Bundle {
  modules @0 :List(Module);
}

struct Module {
  name @0 :Text;
  union {
    src @1 :Data;   # JavaScript source
    wasm @4 :Data;  # a WebAssembly module
    data @5 :Data;  # bytes, as they are
    json @6 :Text;
  }
  type @2 :Type;
  tsDeclaration @3 :Text;
  compileCache @7 :Data;

  enum Type {
    bundle @0;    # brought by the Worker
    builtin @1;   # brought by the runtime, importable by a Worker
    internal @2;  # brought by the runtime, importable by the runtime alone
  }
}
