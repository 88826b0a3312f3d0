import Checkpoint
import Inference

/// Page at `/`, for whoever opens the server in a browser.
enum HomePage {
  static func html(model: CompiledModel?) -> String {
    let state =
      model.map {
        "<p>Model <b>\(escaped($0.name))</b>, version <code>\($0.version.short)</code>, "
          + "\($0.labels.count) classes.</p>"
      } ?? "<p>No model is live at the moment.</p>"
    return """
      <!DOCTYPE html>
      <html lang="en"><meta charset="utf-8"><title>resnetd</title>
      <h1>resnetd</h1>
      <p>This server classifies images (JPEG, PNG, WebP, GIF, BMP and more) with a residual network.</p>
      \(state)
      <pre>curl -T cat.jpg http://HOST:PORT/classify
      curl -F image=@cat.jpg -F image=@dog.png 'http://HOST:PORT/classify?top_k=3'</pre>
      <p>Probes: <a href="/livez">/livez</a>, <a href="/readyz">/readyz</a>,
      <a href="/startupz">/startupz</a>, <a href="/healthz">/healthz</a>.</p>
      </html>

      """
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
    return result
  }
}
