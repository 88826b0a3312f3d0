import Dispatch
import Glibc
import HTTPCore
import Synchronization
import Time

/// Connections on their way from the listening socket to a place; on the accepting queue where nothing
/// else is said.
extension HTTPServer {
  private var placeCount: Int { configuration.connectionLimit + configuration.reserveLimit }

  /// Takes connections that wait when nobody is to connect any more: the system would reset them. Just
  /// before the listening socket is closed, so that hardly one can come after it.
  func acceptLast() {
    while state.withLock({ $0.connectionCount < placeCount }) {
      switch next(descriptor.number) {
      case .connection(let number, let address): take(number, address)
      case .aborted: continue
      case .none, .exhausted: return
      }
    }
  }

  func acceptWaiting() {
    while state.withLock(\.isAccepting) {
      if desk?.isBusy == true { return pause() }
      if state.withLock({ $0.connectionCount >= placeCount }) {
        guard Socket.isReadable(descriptor.number) else { return }
        guard pauseIfFull() else { continue }
        makeRoom()
        return
      }
      switch next(descriptor.number) {
      case .connection(let number, let address): take(number, address)
      case .aborted: continue
      case .none: return
      case .exhausted:
        pause()
        queue.asyncAfter(deadline: .now() + Self.descriptorPause) { [weak self] in
          self?.resumeAccepting()
        }
        desk?.makeRoom()
        makeRoom()
        return
      }
    }
  }

  private func take(_ descriptor: CInt, _ address: String) {
    var peer = Peer(text: address, address: NetworkAddress(withPort: address))
    var isOverLimit = false
    if let clients = parts.clients, let address = peer.address, !clients.limits.trusts(address) {
      isOverLimit = !clients.enter(address.client)
      peer.client = isOverLimit ? nil : address.client
    }
    guard let desk else { return place(.plain(descriptor), peer, isOverLimit) }
    guard !isOverLimit || desk.hasRoom else {
      Glibc.close(descriptor)
      return
    }
    state.withLock { $0.handshakeCount += 1 }
    desk.begin(descriptor, peer) { [self, peer, isOverLimit] session in
      if let session {
        place(.encrypted(session), peer, isOverLimit)
      } else if let client = peer.client {
        parts.clients?.leave(client)
      }
      let isLast = state.withLock { state in
        state.handshakeCount -= 1
        return state.isStopped && state.openCount == 0
      }
      if isLast { idle.signal() }
    }
  }

  /// Gives a connection its place among the others.
  private func place(_ transport: Transport, _ peer: Peer, _ isOverLimit: Bool) {
    let (index, isCrowded, isRefused) = state.withLock { state in
      // While hands were shaken, others may have taken the last place: one of the reserve takes over
      // the handshake's own.
      let limit = placeCount + (desk == nil ? 0 : configuration.handshakeLimit)
      let hasRoom =
        isOverLimit
        ? state.overLimitCount < configuration.reserveLimit : state.connectionCount < limit
      guard hasRoom else { return (0, false, true) }
      state.connectionCount += 1
      state.acceptedCount += 1
      if isOverLimit { state.overLimitCount += 1 }
      let isCrowded = state.connectionCount > configuration.connectionLimit
      return (state.acceptedCount % loops.count, isCrowded, false)
    }
    if isRefused {
      transport.close()
      if let client = peer.client { parts.clients?.leave(client) }
    } else if isOverLimit {
      run(transport, peer, .overClientLimit, loop: index)
    } else if isCrowded {
      findPlace(for: transport, peer, loop: index)
    } else {
      run(transport, peer, .ordinary, loop: index)
    }
  }

  private func run(_ transport: Transport, _ peer: Peer, _ place: Place, loop index: Int) {
    let loop = loops[index]
    loop.queue.async { loop.run(transport, peer, place) }
  }

  /// Asks one event loop after the other for the place of a connection that may go: an idle one,
  /// then one with a slow head.
  private func findPlace(
    for transport: Transport, _ peer: Peer, loop index: Int, asked: Int = 0
  ) {
    let loop = loops[(index + asked) % loops.count]
    loop.queue.async { [self] in
      let hasRoom = asked < loops.count ? loop.closeOldestIdle() : loop.closeSlowestHead()
      if hasRoom {
        loop.run(transport, peer, .ordinary)
      } else if asked + 1 < 2 * loops.count {
        findPlace(for: transport, peer, loop: index, asked: asked + 1)
      } else {
        loop.run(transport, peer, .reserve)
      }
    }
  }

  /// Has an idle connection closed, else one with a slow head, else one of the reserve that has
  /// sent no request, else the next one that is idle.
  private func makeRoom() {
    // Before the event loops are asked: a connection may become idle after its own has been.
    parts.isRoomWanted = true
    askForRoom(from: 0)
  }

  private func askForRoom(from asked: Int) {
    let loop = loops[asked % loops.count]
    loop.queue.async { [weak self, parts] in
      // Room that has been found meanwhile is enough.
      guard let self, !state.withLock(\.isAccepting) else { return }
      let hasRoom =
        switch asked / loops.count {
        case 0: loop.closeOldestIdle()
        case 1: loop.closeSlowestHead()
        default: loop.closeOldestOfReserve()
        }
      if hasRoom {
        parts.isRoomWanted = false
      } else if asked + 1 < 3 * loops.count {
        askForRoom(from: asked + 1)
      }
    }
  }

  private func pause() {
    state.withLock { $0.isAccepting = false }
    listener.suspend()
  }

  /// Stops accepting if all places are taken, in one step: a connection that closes a moment later
  /// finds that it has to resume it.
  private func pauseIfFull() -> Bool {
    let isFull = state.withLock { state in
      guard state.connectionCount >= placeCount else { return false }
      state.isAccepting = false
      return true
    }
    if isFull { listener.suspend() }
    return isFull
  }

  /// Goes on accepting, if there is room; called on the accepting queue.
  func resumeAccepting() {
    let resumes = state.withLock { state in
      guard !state.isAccepting, !state.isStopped, state.connectionCount < placeCount else {
        return false
      }
      state.isAccepting = true
      return true
    }
    guard resumes else { return }
    parts.isRoomWanted = false
    listener.resume()
  }

  func connectionClosed(_ peer: Peer, _ place: Place) {
    if let client = peer.client { parts.clients?.leave(client) }
    let (isLast, mayResume) = state.withLock { state in
      state.connectionCount -= 1
      if case .overClientLimit = place { state.overLimitCount -= 1 }
      return (
        state.isStopped && state.openCount == 0, !state.isAccepting && !state.isStopped
      )
    }
    if isLast { idle.signal() }
    if mayResume { queue.async { [weak self] in self?.resumeAccepting() } }
  }
}
