using System.Globalization;
using System.Text.RegularExpressions;

namespace PmemFleet.Chaos.Tests.Wires;

/// <summary>
/// The statements of a connection's transaction that touched rows, from what the client asks and what the server says of it. A statement outside
/// BEGIN and COMMIT is a transaction too, which is committed when the server is ready again.
/// </summary>
internal sealed partial class OpenTransaction
{
    private readonly Lock _gate = new();
    private readonly Queue<IReadOnlyList<string>> _asked = [];
    private readonly List<string> _effective = [];
    private int _completed;
    private bool _hasCommitted;
    private bool _hasFailed;

    /// <summary>The client asked this, up to the next ReadyForQuery.</summary>
    public void Asked(IReadOnlyList<string> statements)
    {
        lock (_gate)
        {
            _asked.Enqueue(statements);
        }
    }

    /// <summary>The server completed a statement, and says what it did.</summary>
    /// <returns>What the transaction changed, where this is its commit; else null.</returns>
    public IReadOnlyList<string>? Completed(string tag)
    {
        lock (_gate)
        {
            if (tag is "COMMIT")
            {
                _hasCommitted = true;
                return [.. _effective];
            }

            // one text may hold several statements: then it is the text of each of them
            var text = _asked.TryPeek(out var group) && group.Count > 0 ? group[Math.Min(_completed, group.Count - 1)] : string.Empty;
            _completed++;
            if (HasEffect(text, tag))
            {
                _effective.Add(text);
            }

            return null;
        }
    }

    public void Failed()
    {
        lock (_gate)
        {
            _hasFailed = true;
        }
    }

    /// <summary>The server is ready: idle, or within a transaction.</summary>
    /// <returns>What was changed, where statements without COMMIT became durable with it; else null.</returns>
    public IReadOnlyList<string>? Ready(bool isIdle)
    {
        lock (_gate)
        {
            IReadOnlyList<string>? changed = isIdle && !_hasCommitted && !_hasFailed && _effective.Count > 0 ? [.. _effective] : null;
            _asked.TryDequeue(out _);
            _completed = 0;
            if (isIdle)
            {
                _effective.Clear();
                (_hasCommitted, _hasFailed) = (false, false);
            }

            return changed;
        }
    }

    /// <summary>
    /// By the count in the server's tag. What a WITH changed shows in no count: it counts where it gives rows, or where its last part is a change itself.
    /// </summary>
    private static bool HasEffect(string text, string tag)
    {
        var words = tag.Split(' ');
        var isNone = !long.TryParse(words[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var rows) || rows == 0;
        return words[0] is "SELECT" ? !isNone && With().IsMatch(text)
            : words[0] is "INSERT" or "UPDATE" or "DELETE" or "MERGE" or "COPY" && (!isNone || With().IsMatch(text));
    }

    [GeneratedRegex(@"^\s*(--[^\n]*\s*)*WITH\b", RegexOptions.IgnoreCase)]
    private static partial Regex With();
}
