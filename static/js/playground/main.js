import "../presets.js";
import "./files.js";
import "./models.js";
import "./run.js";
import "./socket.js";
import "./view.js";
