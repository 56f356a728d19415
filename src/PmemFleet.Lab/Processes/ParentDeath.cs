using System.Collections.Concurrent;
using System.Globalization;

namespace PmemFleet.Lab.Processes;

/// <summary>
/// Makes a child get a signal when the lab dies, kill -9 included. Linux sends that signal when the thread that started the child
/// ends, so children are started on one thread that lasts as long as the process.
/// </summary>
internal static class ParentDeath
{
    private static readonly BlockingCollection<Action> Work = [];
    private static readonly string? SetPriv = Candidates().FirstOrDefault(File.Exists);

    static ParentDeath()
    {
        var thread = new Thread(static () =>
        {
            foreach (var action in Work.GetConsumingEnumerable())
            {
                action();
            }
        })
        { IsBackground = true, Name = "children" };
        thread.Start();
    }

    /// <summary>The command in front of which the parent-death signal, and the account, are set.</summary>
    /// <exception cref="InvalidOperationException">The account must be changed and util-linux's setpriv is missing.</exception>
    public static IReadOnlyList<string> Wrap(IReadOnlyList<string> command, ServerAccount? account, int signal)
    {
        if (SetPriv is null)
        {
            return account is null ? command : throw new InvalidOperationException("running the server under another account needs setpriv (util-linux)");
        }

        string[] who = account is null
            ? []
            : ["--reuid", account.UserId.ToString(CultureInfo.InvariantCulture), "--regid", account.GroupId.ToString(CultureInfo.InvariantCulture), "--clear-groups"];
        return [SetPriv, .. who, "--pdeathsig", SignalName(signal), "--", .. command];
    }

    /// <summary>Runs an action on the thread that lasts, and waits for it.</summary>
    public static void OnLastingThread(Action action)
    {
        Exception? failure = null;
        using var done = new ManualResetEventSlim();
        Work.Add(() =>
        {
            try
            {
                action();
            }
#pragma warning disable CA1031 // handed to the caller's thread
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = exception;
            }

            done.Set();
        });
        done.Wait();
        if (failure is not null)
        {
            throw new InvalidOperationException(failure.Message, failure);
        }
    }

    /// <summary>setpriv knows signals by name only.</summary>
    private static string SignalName(int signal) => signal switch
    {
        Libc.SigInt => "INT",
        Libc.SigQuit => "QUIT",
        Libc.SigKill => "KILL",
        _ => "TERM",
    };

    private static IEnumerable<string> Candidates() => ["/usr/bin/setpriv", "/bin/setpriv"];
}
