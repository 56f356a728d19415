using System.Net;
using System.Net.Sockets;

namespace PmemFleet.Worker.Tests.Support;

internal static class FreePort
{
    public static Uri Url()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }
}
