using Npgsql;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// The process's one listening connection, and the sender to the other replicas. Wake-ups are sent after the commit and many at a time: a NOTIFY
/// inside each transaction would make all commits of the server wait for one lock. A process that dies between commit and
/// NOTIFY loses a hint only; the slow polls find the rows.
/// </summary>
public sealed partial class NotifyListener(NpgsqlDataSource database, WakeUps wakeUps, TimeProvider time, ILogger<NotifyListener> logger) : BackgroundService
{
    private const string Channel = "pmemfleet";
    private const int MaxPayload = 7000;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private readonly string _self = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(ListenAsync(stoppingToken), SendAsync(stoppingToken));

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        for (var failures = 0; !stoppingToken.IsCancellationRequested;)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(stoppingToken);
                connection.Notification += (_, notification) => Receive(notification.Payload);
                await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
                {
                    await listen.ExecuteNonQueryAsync(stoppingToken);
                }

                LogListening();
                failures = 0;

                // whatever was sent while nobody listened
                wakeUps.RaiseAllHere();
                while (true)
                {
                    await connection.WaitAsync(stoppingToken);
                }
            }
            catch (Exception lost) when (!stoppingToken.IsCancellationRequested)
            {
                LogLost(lost.Message);
                await PauseAsync(failures++, stoppingToken);
            }
        }
    }

    private async Task SendAsync(CancellationToken stoppingToken)
    {
        var topics = new HashSet<string>();
        for (var failures = 0; await wakeUps.Outgoing.WaitToReadAsync(stoppingToken);)
        {
            while (wakeUps.Outgoing.TryRead(out var topic))
            {
                topics.Add(topic);
            }

            try
            {
                await using var command = database.CreateCommand("SELECT pg_notify($1, payload) FROM unnest($2) AS payload");
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Channel });
                command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. Payloads(topics)] });
                await command.ExecuteNonQueryAsync(stoppingToken);
                failures = 0;
            }
            catch (Exception lost) when (!stoppingToken.IsCancellationRequested)
            {
                // hints only: the others poll
                LogLost(lost.Message);
                await PauseAsync(failures++, stoppingToken);
            }

            topics.Clear();
        }
    }

    private IEnumerable<string> Payloads(IEnumerable<string> topics)
    {
        var payload = new System.Text.StringBuilder(_self);
        foreach (var topic in topics)
        {
            if (payload.Length + topic.Length + 1 > MaxPayload)
            {
                yield return payload.ToString();
                payload.Clear().Append(_self);
            }

            payload.Append(' ').Append(topic);
        }

        yield return payload.ToString();
    }

    private void Receive(string payload)
    {
        var parts = payload.Split(' ');
        if (parts[0] != _self)
        {
            foreach (var topic in parts.AsSpan(1))
            {
                wakeUps.RaiseHere(topic);
            }
        }
    }

    private Task PauseAsync(int failures, CancellationToken stoppingToken)
    {
        var pause = TimeSpan.FromMilliseconds(Random.Shared.Next(50, 150) << Math.Min(failures, 6));
        return Task.Delay(pause < LongestPause ? pause : LongestPause, time, stoppingToken);
    }

    [LoggerMessage(EventId = 1030, Level = LogLevel.Information, Message = "Listening for wake-ups")]
    private partial void LogListening();

    [LoggerMessage(EventId = 1031, Level = LogLevel.Warning, Message = "The wake-up connection is lost ({Reason}); polling until it is back")]
    private partial void LogLost(string reason);
}
