using Microsoft.AspNetCore.Connections.Features;

namespace PmemFleet.Api.Conventions;

/// <summary>What is remembered from one request of a connection to the next.</summary>
internal static class ConnectionItems
{
    /// <summary>Null where several requests of the connection are served at a time: its items are one request's.</summary>
    public static IDictionary<object, object?>? Of(HttpContext http) =>
        HttpProtocol.IsHttp11(http.Request.Protocol) ? http.Features.Get<IConnectionItemsFeature>()?.Items : null;
}
