using System.Net;
using System.Net.Sockets;

namespace PmemFleet.Chaos.Tests.Support;

/// <summary>Free ports of the loopback address.</summary>
internal static class Ports
{
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
