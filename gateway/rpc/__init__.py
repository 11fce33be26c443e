"""GatewayService, handler by handler."""
