// The chat page. Each module looks after one behaviour and finds its own elements.
import "./code.js";
import "./composer.js";
import "./context.js";
import "./dialogs.js";
import "./drafts.js";
import "./edit.js";
import "./focus.js";
import "./live.js";
import "./models.js";
import "./parameters.js";
import "./returned.js";
import "./scroll.js";
import "./shortcuts.js";
import "./socket.js";
import "./source.js";
import "./title.js";
import "./window.js";
